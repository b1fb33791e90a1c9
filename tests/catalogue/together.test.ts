/** Changes that share a commit: each is whole or not there, and nobody hears of his before it is made. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Driver, Transaction } from '../../core/catalogue/driver.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { fail } from '../../core/errors.ts'
import { wait } from '../../core/op.ts'
import { config, engines, open, ready, sqlite } from './engines.ts'

const PUT = 'INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)'
const NAMES = 'SELECT name FROM entry ORDER BY name'

const put = (name: string) =>
	function* (tx: Transaction) {
		tx.write(PUT, [1, Buffer.from(name), 2])
		return name
	}

async function names(driver: Driver): Promise<string[]> {
	return (await driver.all<{ name: Uint8Array }>(NAMES)).map(({ name }) => Buffer.from(name).toString())
}

const outcomes = async (asked: ReadonlyArray<Promise<unknown>>) =>
	(await Promise.allSettled(asked)).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))

for (const engine of engines) {
	test(`${engine.name}: one that fails takes back what it did, and no other's`, async (t) => {
		const { driver } = await ready(t, engine)
		const failing = driver.together(function* (tx) {
			tx.write(PUT, [1, Buffer.from('gone'), 2])
			yield* wait(tx.get(NAMES))
			fail('ENOTEMPTY')
		})
		const twice = driver.together(function* (tx) {
			tx.write(PUT, [1, Buffer.from('gone too'), 2])
			tx.write(PUT, [1, Buffer.from('gone too'), 3])
		})
		assert.deepEqual(await outcomes([driver.together(put('a')), failing, driver.together(put('b')), twice, driver.together(put('c'))]), [
			'a',
			'ENOTEMPTY',
			'b',
			'EEXIST',
			'c',
		])
		assert.deepEqual(await names(driver), ['a', 'b', 'c'])
	})

	test(`${engine.name}: each is a transaction of its own for whoever notes something of it`, async (t) => {
		const { driver } = await ready(t, engine)
		const seen: Transaction[] = []
		const asked = Array.from({ length: 3 }, () =>
			driver.together(function* (tx) {
				seen.push(tx)
			}),
		)
		await Promise.all(asked)
		assert.equal(new Set(seen).size, seen.length)
	})
}

/** The moment after which no more share a commit does not pass, however busy the machine is. */
async function timeless(t: TestContext) {
	const made = await ready(t, sqlite)
	const nowMs = performance.now()
	t.mock.method(performance, 'now', () => nowMs)
	return made
}

describe('SQLite', () => {
	test('what is asked for in one turn has one commit, and sees what came before it', async (t) => {
		const { driver } = await timeless(t)
		const before = driver.commits() as number
		const seen: number[] = []
		const counting = () =>
			driver.together(function* (tx) {
				seen.push((yield* wait(tx.all(NAMES))).length)
			})
		await Promise.all([counting(), driver.together(put('a')), counting(), driver.together(put('b')), counting()])
		assert.deepEqual(seen, [0, 1, 2])
		assert.equal(driver.commits(), before + 1)
		assert.equal(await driver.together(put('c')), 'c')
		assert.equal(driver.commits(), before + 2)
	})

	test('nobody hears of his before others see it', async (t) => {
		const { driver, address } = await timeless(t)
		const other = await open(t, address)
		const seen: string[][] = []
		const look = async () => void seen.push(await names(other))
		const last = driver.together(function* (tx) {
			yield* put('z')(tx)
			void look()
		})
		await Promise.all([driver.together(put('a')).then(look), driver.together(put('b')).then(look), last.then(look)])
		const all = ['a', 'b', 'z']
		assert.deepEqual(seen, [[], all, all, all])
	})

	test('a commit that fails fails for all, and none of it is there', async (t) => {
		const { driver } = await timeless(t)
		// Looked at with the commit, and not before.
		driver.script('PRAGMA foreign_keys = 1; CREATE TABLE led (to_file INTEGER REFERENCES file (id) DEFERRABLE INITIALLY DEFERRED)')
		const leading = driver.together(function* (tx) {
			tx.write('INSERT INTO led VALUES (?)', [99])
		})
		const asked = await Promise.allSettled([driver.together(put('a')), leading, driver.together(put('b'))])
		assert.deepEqual(asked.map(({ status }) => status), ['rejected', 'rejected', 'rejected'])
		assert.deepEqual(await names(driver), [])
		assert.equal(await driver.together(put('c')), 'c')
		assert.deepEqual(await names(driver), ['c'])
	})

	test('a disk that is full takes back the changes of all, and says so to all', async (t) => {
		const { driver } = await timeless(t)
		driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [1, Buffer.from('n'), Buffer.alloc(50_000)])
		driver.script('PRAGMA max_page_count = 1')
		const large = driver.together(function* (tx) {
			tx.write('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [2, Buffer.from('n'), Buffer.alloc(5_000_000)])
		})
		assert.deepEqual(await outcomes([driver.together(put('a')), large, driver.together(put('b'))]), ['ENOSPC', 'ENOSPC', 'ENOSPC'])
		assert.deepEqual(await names(driver), [])
		driver.script('PRAGMA max_page_count = 1000000')
		assert.equal(await driver.together(put('c')), 'c')
	})

	test('not more than so many, and not for longer than a moment, share a commit', async (t) => {
		const { driver } = await ready(t, sqlite)
		const before = driver.commits() as number
		await Promise.all(Array.from({ length: 100 }, (_, index) => driver.together(put(`n${index}`))))
		const afterMany = driver.commits() as number
		assert.ok(afterMany >= before + 2 && afterMany < before + 100, `${afterMany - before} commits`)
		assert.equal((await names(driver)).length, 100)
		const slow = (name: string) =>
			driver.together(function* (tx) {
				for (const until = performance.now() + 15; performance.now() < until; );
				return yield* put(name)(tx)
			})
		assert.deepEqual(await Promise.all([slow('a'), slow('b'), slow('c')]), ['a', 'b', 'c'])
		assert.equal(driver.commits(), afterMany + 3)
	})

	test('while another process holds the lock the loop runs on, and all are made when it lets go', async (t) => {
		const { driver, address } = await ready(t, sqlite)
		const holder = fork(fileURLToPath(new URL('./hold-lock.ts', import.meta.url)), [address.replace('sqlite:', '')])
		try {
			await once(holder, 'message')
			const asked = ['a', 'b'].map((name) => driver.together(put(name)))
			await new Promise((resolve) => setTimeout(resolve, 20))
			const later = driver.together(put('c'))
			assert.deepEqual(await names(driver), [])
			holder.send('let go')
			assert.deepEqual(await Promise.all([...asked, later]), ['a', 'b', 'c'])
		} finally {
			// Here and not after the test: the catalogue is closed before, which waits for what was asked for.
			holder.kill('SIGKILL')
		}
	})

	test('what was asked for is made before the catalogue is closed', async (t) => {
		const { address } = await ready(t, sqlite)
		const driver = await openCatalogue(config(address))
		const asked = driver.together(put('a'))
		await driver.close()
		assert.equal(await asked, 'a')
		assert.deepEqual(await names(await open(t, address)), ['a'])
	})
})
