/** Rows that wait for the commit of changes that are held: whoever asks, here, elsewhere or after a death, cannot tell. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver, Query, Transaction } from '../../core/catalogue/driver.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { fail } from '../../core/errors.ts'
import { anyQuery } from '../../core/catalogue/intents.ts'
import { wait } from '../../core/op.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { config, holding, open, ready } from './engines.ts'
import { killedNow } from './killed-now.ts'

const INTENT = 'INSERT INTO intent (node_id, op, path, to_path, file_id, client_id, token, created) VALUES (?,?,?,?,?,?,?,unixepoch())'
const DONE = 'DELETE FROM intent WHERE node_id = ? AND path = ? AND client_id = ? AND token = ? AND op = ?'
const JOURNAL = 'INSERT INTO `change` (at, client_id, op, parent_id, name, file_id, detail) VALUES (unixepoch(),?,?,?,?,?,?)'
const OPENED = 'INSERT INTO writer (file_id, client_id, node_id) VALUES (?,?,?)'
const OPENED_ANYHOW = 'INSERT OR IGNORE INTO writer (file_id, client_id, node_id) VALUES (?,?,?)'
const CLOSED = 'DELETE FROM writer WHERE file_id = ? AND client_id = ?'
const CLEARED: Query = ['DELETE FROM intent WHERE node_id = ?', [1]]
const PUT = "INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', x'61', 7, 9, 0)"
const GLANCE = anyQuery()
const STEPS = 1_000

const writes = (...queries: Query[]) =>
	function* (tx: Transaction) {
		for (const [sql, params] of queries) tx.write(sql, params)
	}
const intent = (token: number, path = `p${token}`): Query => [INTENT, [1, 'unlink', Buffer.from(path), null, 7, 5, token]]
const done = (token: number, path = `p${token}`): Query => [DONE, [1, Buffer.from(path), 5, token, 'unlink']]
const happened = (file: number): Query => [JOURNAL, [5, 'unlink', 1, Buffer.from('n'), file, null]]

/** What is in the tables whose rows wait for the commit. */
async function waited(driver: Driver) {
	const tokens = await driver.all<{ token: number }>('SELECT token FROM intent ORDER BY id')
	const journal = await driver.all<{ file_id: number }>('SELECT file_id FROM `change` ORDER BY seq')
	const writers = await driver.all<{ file_id: number; client_id: number }>('SELECT file_id, client_id FROM writer ORDER BY file_id, client_id')
	return { intents: tokens.map(({ token }) => token), journal: journal.map(({ file_id }) => file_id), writers: writers.map((row) => `${row.file_id} ${row.client_id}`) }
}

test('rows that wait for the commit are there for whoever asks, here, elsewhere and after a death', async (t) => {
	const { driver, address } = await ready(t, holding)
	const steps: Array<[Query[], Awaited<ReturnType<typeof waited>>]> = [
		[[intent(1), happened(11), [OPENED, [21, 5, 1]]], { intents: [1], journal: [11], writers: ['21 5'] }],
		[[done(1), intent(2), happened(12)], { intents: [2], journal: [11, 12], writers: ['21 5'] }],
		// Taken away in the change that put them there, and one that was there before.
		[[intent(3), done(3), done(2), [OPENED, [22, 5, 1]], [CLOSED, [22, 5]]], { intents: [], journal: [11, 12], writers: ['21 5'] }],
		// Not its key: every row of that file, waiting or not.
		[[[OPENED, [21, 6, 1]], ['DELETE FROM writer WHERE file_id = ?', [21]]], { intents: [], journal: [11, 12], writers: [] }],
		// Two of one key, and two that differ in the path alone.
		[[intent(4), intent(4), done(4), intent(5, 'a'), intent(5, 'b'), done(5, 'a')], { intents: [5], journal: [11, 12], writers: [] }],
		[[done(5, 'b'), ['DELETE FROM `change` WHERE file_id = ?', [11]], happened(13)], { intents: [], journal: [12, 13], writers: [] }],
	]
	for (const [index, [queries, expected]] of steps.entries()) {
		driver.transaction(writes(...queries))
		const killed = await openCatalogue(config(killedNow(t, address)))
		assert.deepEqual(await waited(killed), expected, `${index}, killed`)
		await killed.close()
		assert.deepEqual(await waited(driver), expected, `${index}`)
	}
	const other = await open(t, address)
	assert.deepEqual(await waited(other), steps.at(-1)?.[1])
})

test('a row that was there before the one that waits is taken away as well', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(writes([OPENED, [21, 5, 1]]))
	await driver.sync()
	driver.transaction(writes([OPENED_ANYHOW, [21, 5, 1]]))
	driver.transaction(writes([CLOSED, [21, 5]]))
	await driver.sync()
	assert.deepEqual((await waited(await open(t, address))).writers, [])
})

test('a change that fails takes its rows back, whether they waited or not, and no other’s', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(writes(intent(1), happened(11)))
	const failing = () =>
		driver.transaction(function* (tx) {
			yield* writes(done(1), happened(12), intent(2))(tx)
			fail('EEXIST')
		})
	assert.throws(failing, { code: 'EEXIST' })
	driver.transaction(writes(happened(13)))
	const expected = { intents: [1], journal: [11, 13], writers: [] }
	const killed = await open(t, killedNow(t, address))
	assert.deepEqual(await waited(killed), expected)
	await driver.sync()
	assert.deepEqual(await waited(await open(t, address)), expected)
	assert.deepEqual(await waited(driver), expected)
})

test('who asks how many rows were changed hears it', async (t) => {
	const { driver } = await ready(t, holding)
	assert.deepEqual([driver.change(OPENED_ANYHOW, [21, 5, 1]), driver.change(OPENED_ANYHOW, [21, 5, 1]), driver.change(CLOSED, [22, 5]), driver.change(CLOSED, [21, 5])], [1, 0, 0, 1])
})

test('what is committed at once does not wait', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(writes(happened(11)))
	await driver.together(writes(intent(1), happened(12)))
	assert.deepEqual(await waited(await open(t, address)), { intents: [1], journal: [11, 12], writers: [] })
})

test('rows that waited for a commit that failed are there when there is room again', async (t) => {
	const { driver, address } = await ready(t, holding)
	await driver.script('PRAGMA max_page_count = 1')
	const names = Array.from({ length: 200 }, (_, index) => index)
	const putting = () => {
		for (const index of names) driver.transaction(writes([JOURNAL, [5, 'unlink', 1, Buffer.alloc(200, 'n'), index, null]]))
		driver.all('SELECT COUNT(*) FROM `change`')
	}
	assert.throws(putting, { code: 'ENOSPC' })
	// The limit is of one connection.
	const other = await open(t, address)
	assert.deepEqual((await waited(other)).journal, names)
	assert.deepEqual((await waited(driver)).journal, names)
})

test('what stands is found as often as it is asked for, also when it was written meanwhile', async (t) => {
	const { driver } = await ready(t, holding)
	const found = async () => (await driver.all(...GLANCE)).length
	assert.equal(await found(), 0)
	driver.transaction(writes(intent(1)))
	assert.deepEqual([await found(), await found()], [1, 1])
	driver.transaction(writes(done(1)))
	assert.equal(await found(), 0)
	driver.transaction(writes(intent(2)))
	await driver.sync()
	assert.equal(await found(), 1)
})

test('that nothing stands is remembered no longer than it is so', async (t) => {
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const { driver, address } = await ready(t, holding)
	const other = await open(t, address)
	const both = [driver, other]
	const token = () => 1 + random.below(2)
	const failing = function* (tx: Transaction) {
		for (const [sql, params] of [done(token()), random.chance(0.5) ? CLEARED : intent(token())]) tx.write(sql, params)
		yield* wait(tx.read(GLANCE))
		fail('EEXIST')
	}
	const steps: ReadonlyArray<(by: Driver) => unknown> = [
		(by) => by.transaction(writes(intent(token()))),
		(by) => by.transaction(writes(done(token()))),
		(by) => by.transaction(writes(CLEARED)),
		(by) => by.transaction(writes(intent(3), done(3))),
		(by) => by.change(...CLEARED),
		(by) => assert.rejects(async () => by.transaction(failing), { code: 'EEXIST' }),
		async (by) => {
			const [added] = await Promise.allSettled([by.together(writes(random.pick([intent(token()), CLEARED]))), by.together(failing)])
			assert.equal(added.status, 'fulfilled')
		},
		(by) => by.script(random.pick(['DELETE FROM intent', PUT])),
		(by) => by.sync(),
		(by) => by.markSeen(),
	]
	for (let step = 0; step < STEPS; step++) {
		const at = random.below(steps.length)
		await steps[at](random.pick(both))
		const asked = random.pick(both)
		if (random.chance(0.5)) continue
		const found = (await asked.all(...GLANCE)).length
		const [{ rows }] = await asked.all<{ rows: number }>('SELECT COUNT(*) AS `rows` FROM intent')
		assert.equal(found, Math.min(1, rows), `step ${step}, ${at}`)
	}
})
