/** Whether somebody else has committed, as SQLite's shared memory says it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { watchFiles, openWalIndex, watch } from '../../core/catalogue/wal-index.ts'
import { fail } from '../../core/errors.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const ADD = 'INSERT INTO t (n) VALUES (?)'
const TURNS = 3_000

function opened(t: TestContext) {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-wal-'))
	const path = join(folder, 'catalogue.db')
	const driver = openSqlite(path, { timeoutMs: 1_000, watch: watchFiles })
	const other = new DatabaseSync(path)
	driver.script('CREATE TABLE t (n INTEGER)')
	driver.markSeen()
	t.after(async () => {
		other.close()
		await driver.close()
		rmSync(folder, { recursive: true })
	})
	return { path, driver, other }
}

test('every commit of another is seen until it is marked as seen, and none of our own', (t) => {
	const { path, driver, other } = opened(t)
	openWalIndex(path) ?? assert.fail('the index cannot be mapped')
	const random = randomFrom(seedOfRun())
	let theirs = false
	const turns: Array<() => void> = [
		() => void driver.change(ADD, [1]),
		() => void driver.change('DELETE FROM t WHERE n = 99'),
		() => {
			driver.transaction(function* (tx) {
				tx.write(ADD, [2])
				tx.write('UPDATE t SET n = n WHERE n = 2')
			})
		},
		() => {
			driver.transaction(function* (tx) {
				tx.write('DELETE FROM t WHERE n = 99')
			})
		},
		() => {
			assert.throws(() =>
				driver.transaction(function* (tx) {
					tx.write(ADD, [3])
					fail('EEXIST')
				}),
			)
		},
		() => {
			other.exec('INSERT INTO t (n) VALUES (4)')
			theirs = true
		},
		() => other.exec('DELETE FROM t WHERE n = 98'),
		() => {
			assert.equal(driver.isChangedElsewhere(), theirs)
			driver.markSeen()
			theirs = false
		},
	]
	for (let i = 0; i < TURNS; i++) random.pick(turns)()
	assert.equal(driver.isChangedElsewhere(), theirs)
	driver.markSeen()
	// A log that begins anew may look like a change, and hides none.
	other.exec('PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t (n) VALUES (5)')
	assert.equal(driver.isChangedElsewhere(), true)
	driver.markSeen()
	assert.equal(driver.isChangedElsewhere(), false)
})

/** The words of the second header: the count of commits, and a checksum that follows it. */
function header(words: Uint32Array, count: number): void {
	words[14] = count
	words[22] = count * 7
}

test('a commit of another right before or right after our own is not taken for it', () => {
	const words = new Uint32Array(24)
	const index = watch(words)
	const commit = (before: number, after: number, wrote = true) => {
		header(words, before)
		const seen = index.before()
		header(words, after)
		index.after(seen, wrote)
		const isChanged = index.isChangedElsewhere()
		index.markSeen()
		return isChanged
	}
	assert.equal(commit(0, 1), false)
	assert.equal(commit(1, 3), true)
	assert.equal(commit(4, 5), true)
	assert.equal(commit(5, 6, false), true)
	assert.equal(commit(6, 6, false), false)
	assert.equal(commit(6, 7), false)
	assert.equal(commit(0xffff_ffff, 0), true)
	assert.equal(commit(0, 1), false)
})

test("a connection that is closed leaves the locks of the process's others alone", async (t) => {
	const { path, driver } = opened(t)
	const { ino } = statSync(`${path}-shm`)
	const locks = () => readFileSync('/proc/locks', 'utf8').split('\n').filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)).length
	const second = openSqlite(path, { timeoutMs: 1_000, watch: watchFiles })
	second.isChangedElsewhere()
	assert.ok(locks() > 0)
	await second.close()
	assert.ok(locks() > 0)
	driver.change(ADD, [5])
})
