/** What only the embedded engine has: answers on the calling thread, and one write lock shared with other processes. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { migrate } from '../../core/catalogue/migrate.ts'
import { prepare } from '../../core/catalogue/sqlite-rows.ts'
import { isPromise } from '../../core/op.ts'
import { open, ready, sqlite } from './engines.ts'

const PUT = 'INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)'

function* put(tx: Transaction) {
	tx.write(PUT, [1, Buffer.from('a'), 2])
	return 'put'
}

async function lockHeldElsewhere(t: TestContext, address: string): Promise<ChildProcess> {
	const holder = fork(fileURLToPath(new URL('./hold-lock.ts', import.meta.url)), [address.replace('sqlite:', '')])
	t.after(() => holder.kill('SIGKILL'))
	await once(holder, 'message')
	return holder
}

describe('SQLite', () => {
	test('everything is there at once, without a promise', async (t) => {
		const { driver } = await ready(t, sqlite)
		assert.equal(driver.transaction(put), 'put')
		assert.equal(driver.change('DELETE FROM entry'), 1)
		assert.deepEqual(driver.all('SELECT 1 AS one FROM entry'), [])
		assert.equal(isPromise(driver.get('SELECT 1 AS one')), false)
		assert.equal(isPromise(driver.read(['SELECT 1 AS one', []])), false)
	})

	test('a body that waits for something else is a mistake, and nothing of it stays', async (t) => {
		const { driver } = await ready(t, sqlite)
		const waits = () =>
			driver.transaction(function* (tx) {
				yield* put(tx)
				yield Promise.resolve()
			})
		assert.throws(waits, TypeError)
		assert.deepEqual(driver.all('SELECT 1 AS one FROM entry'), [])
		assert.equal(driver.transaction(put), 'put')
	})

	test('a body that goes on after a statement has failed gets no further', async (t) => {
		const { driver } = await ready(t, sqlite)
		driver.transaction(put)
		const written: string[] = []
		const goesOn = () =>
			driver.transaction(function* (tx) {
				for (const name of ['a', 'b']) {
					try {
						tx.write(PUT, [1, Buffer.from(name), 3])
						written.push(name)
					} catch {
						// As a body would that takes it for an ordinary answer.
					}
				}
			})
		assert.throws(goesOn, /UNIQUE/)
		assert.deepEqual(written, [])
		assert.deepEqual(driver.all('SELECT file_id FROM entry'), [{ file_id: 2 }])
	})

	test('another process holds the lock: the loop runs on, reads answer, and the change comes when it lets go', async (t) => {
		const { driver, address } = await ready(t, sqlite)
		const holder = await lockHeldElsewhere(t, address)
		const pending = [driver.transaction(put), driver.change("INSERT INTO setting (name, value) VALUES ('mine', '1')")]
		assert.ok(pending.every(isPromise))
		assert.deepEqual(driver.all('SELECT 1 AS one FROM entry'), [])
		holder.send('let go')
		assert.deepEqual(await Promise.all(pending), ['put', 1])
		assert.equal(driver.isChangedElsewhere(), true)
	})

	test('the lock is never let go: EIO', async (t) => {
		const address = await sqlite.address(t)
		const driver = await open(t, address, { catalogueTimeoutMs: 200 })
		await migrate(driver)
		const holder = await lockHeldElsewhere(t, address)
		await assert.rejects(async () => driver.transaction(put), { code: 'EIO' })
		holder.kill('SIGKILL')
		await once(holder, 'exit')
		assert.equal(await driver.transaction(put), 'put')
		assert.equal(driver.get("SELECT 1 AS one FROM setting WHERE name = 'held'"), undefined)
	})

	test('a full database is ENOSPC, and deleting still works', async (t) => {
		const { driver } = await ready(t, sqlite)
		driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [1, Buffer.from('n'), Buffer.alloc(50_000)])
		driver.script('PRAGMA max_page_count = 1')
		const large = () =>
			driver.transaction(function* (tx) {
				tx.write('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [2, Buffer.from('n'), Buffer.alloc(5_000_000)])
			})
		assert.throws(large, { code: 'ENOSPC' })
		assert.equal(driver.change('DELETE FROM xattr WHERE file_id = ?', [1]), 1)
		assert.equal(driver.transaction(put), 'put')
	})

	test('a database that may not be written is EROFS', async (t) => {
		const { driver } = await ready(t, sqlite)
		driver.script('PRAGMA query_only = 1')
		assert.throws(() => driver.transaction(put), { code: 'EROFS' })
		driver.script('PRAGMA query_only = 0')
		assert.equal(driver.transaction(put), 'put')
	})

	test('what was synced is in the log, which stays while the catalogue is open', async (t) => {
		const { driver, address } = await ready(t, sqlite)
		driver.transaction(put)
		await driver.sync()
		assert.ok(existsSync(`${address.replace('sqlite:', '')}-wal`))
		driver.script('PRAGMA wal_checkpoint(TRUNCATE)')
		driver.change(PUT, [1, Buffer.from('b'), 2])
		await driver.sync()
	})

	test('a question is planned once, whatever values it is asked with', async (t) => {
		const { address } = await ready(t, sqlite)
		const db = new DatabaseSync(address.replace('sqlite:', ''))
		t.after(() => db.close())
		let looks = 0
		db.setAuthorizer(() => {
			looks++
			return 0
		})
		const questions = [
			'SELECT f.id FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.file_id > ?',
			'SELECT f.id FROM entry e, file f WHERE f.id = e.file_id AND e.parent_id = ? LIMIT ?',
			'SELECT name FROM entry WHERE file_id IN (SELECT file_id FROM replica WHERE node_id = ?) AND file_id > ?',
			'WITH held AS (SELECT file_id FROM replica WHERE node_id = ?) SELECT f.id FROM held h JOIN file f ON f.id = h.file_id WHERE f.id > ?',
		]
		for (const sql of questions) {
			const question = prepare(db, sql)
			question.all([1, 2])
			looks = 0
			for (let value = 3; value < 10; value++) question.all([value, value])
			assert.equal(looks, 0, sql)
		}
	})
})
