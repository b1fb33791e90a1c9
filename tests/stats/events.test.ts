/** The journal for those who follow it: every line once, whatever order it was committed in, and a position to go on from. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as changes from '../../core/catalogue/changes.ts'
import type { Driver, Transaction } from '../../core/catalogue/driver.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { run, wait } from '../../core/op.ts'
import { countNext } from '../../core/stats/count.ts'
import { type Event, followFrom, settled } from '../../core/stats/events.ts'
import { NOTHING_COUNTED } from '../../core/stats/lines.ts'
import { engines, mariadb, open } from '../catalogue/engines.ts'
import { writeFile } from './meddle.ts'
import { place } from './place.ts'

const at = (name: string, parent = 1) => ({ parent, name: Buffer.from(name) })
const shown = ({ op, path, to }: Event) => [op, path?.toString(), ...(to ? [to.toString()] : [])].join(' ')
const OWNER = { mode: 0o755, uid: 0, gid: 0 }

for (const engine of engines) {
	test(`${engine.name}: events with their paths, and on from a position`, async (t) => {
		const { fs, driver } = await place(t, engine)
		const [{ start }] = await driver.all('SELECT MAX(seq) AS start FROM `change`')
		const { id: a } = await run(makeDirectory(fs, at('a'), OWNER))
		await writeFile(fs, at('f', a), Buffer.from('x'))
		const follower = followFrom(driver, start)
		assert.deepEqual((await run(follower.next())).map(shown), ['mkdir a', 'create a/f', 'publish a/f'])
		assert.deepEqual(await run(follower.next()), [])
		await run(rename(fs, at('f', a), at('g'), 'replace'))
		await run(unlink(fs, at('g')))
		assert.deepEqual((await run(follower.next())).map(shown), ['rename a/f g', 'unlink g'])
		const again = (await run(followFrom(driver, start).next())).map(({ seq }) => seq)
		assert.equal(again.length, 5)
		const later = followFrom(driver, again[2])
		assert.deepEqual((await run(later.next())).map(shown), ['rename a/f g', 'unlink g'])
	})
}

test('MariaDB: a line that is committed late is neither missed nor told twice', async (t) => {
	const commit = Promise.withResolvers<void>()
	// Before the catalogue is closed, which waits for it.
	t.after(() => commit.resolve())
	const { driver, address } = await place(t, mariadb)
	const other = await open(t, address)
	const [{ start }] = await driver.all('SELECT MAX(seq) AS start FROM `change`')
	const follower = followFrom(driver, start)
	const written = Promise.withResolvers<void>()
	const late = other.transaction(function* (tx) {
		yield* insert(other, tx, 'late')
		written.resolve()
		yield* wait(commit.promise)
	})
	await written.promise
	await driver.transaction((tx) => insert(driver, tx, 'soon'))
	const told = [...(await run(follower.next()))]
	assert.deepEqual(told.map(({ path }) => path?.toString()), ['soon'])
	assert.equal(follower.position, start, 'who goes on from here misses nothing')
	let counted = NOTHING_COUNTED
	/** As the figures have it: what was created. */
	const count = async () => {
		counted = (await driver.transaction((tx) => countNext(tx, counted, driver.capabilities))).counted
		const [{ many }] = await driver.all("SELECT SUM(many) AS many FROM stat_activity WHERE op = 'create'")
		return many
	}
	const before = await count()
	commit.resolve()
	await late
	assert.equal(await count(), before + 1)
	assert.equal(await count(), before + 1)
	assert.deepEqual((await run(follower.next())).map(({ path }) => path?.toString()), ['late'])
	assert.deepEqual(await run(follower.next()), [])
	assert.equal(follower.position, start + 2)
})

function* insert({ capabilities }: Driver, tx: Transaction, name: string) {
	changes.insert(tx, 1, { op: 'create', parent: 1, name: Buffer.from(name), file: 5 }, capabilities)
	yield* wait(tx.get('SELECT 1'))
}

test('a gap is waited for, and not for ever', () => {
	const rows = [1, 2, 4, 5].map((seq) => ({ seq, at: 100, now: 105 }))
	assert.equal(settled(rows, 0), 2)
	assert.equal(settled(rows.map((row) => ({ ...row, now: 111 })), 0), 4)
	assert.equal(settled(rows, 3), 0)
})
