/** The trash is emptied by age, and never early because a clock is wrong. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { dayOf, folderName } from '../../core/filesystem/trash-paths.ts'
import type { Node } from '../../core/nodes/node.ts'
import { runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { type Clock, trash } from '../../replicator/trash/trash.ts'
import { at, type Installation, installation, now, writeFile } from '../unit/installation.ts'
import { directories, keeping, keptPaths, today } from './trash-installation.ts'

const DAY_SECONDS = 86_400

interface Said {
	summary: Summary
	troubles: string[]
	notes: string[]
}

async function run(fs: Filesystem, clock?: Clock): Promise<Said> {
	const troubles: string[] = []
	const notes: string[] = []
	const watcher = {
		trouble: (path: string, why: string) => troubles.push(`${path}: ${why}`),
		note: (line: string) => notes.push(line),
	}
	const { summary } = await runJob(fs, fs.nodes.get(1) as Node, trash(clock), { signal: new AbortController().signal, watcher })
	assert.ok(summary)
	return { summary, troubles, notes }
}

function remove(fs: Filesystem, name: string, parent = 1): void {
	writeFile(fs, name, name, parent)
	now(unlink(fs, at(name, parent)))
}

/** Everything removed today as if it had been removed so many days ago. */
function age(fs: Filesystem, days: number, keepDays?: number): void {
	const name = folderName({ day: dayOf(Date.now() / 1000) - days, keepDays })
	const from = keepDays === undefined ? today() : `${today()}+${keepDays}`
	now(rename(fs, at(from, directories(fs, '.trash')), { parent: directories(fs, '.trash'), name }, 'noreplace'))
}

function lastRun(place: Installation, fs: Filesystem, secondsAgo: number): void {
	const seconds = Math.floor(Date.now() / 1000) - secondsAgo
	fs.catalogue.change("INSERT OR REPLACE INTO job (name, state, position) VALUES ('trash', 'done', ?)", [
		Buffer.from(String(seconds)),
	])
	assert.equal(place.rows("SELECT 1 FROM job WHERE name = 'trash'").length, 1)
}

test('what is older than its class asks for goes, with its directories; the rest stays', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	remove(fs, 'old', directories(fs, 'a/b'))
	age(fs, 8)
	remove(fs, 'young', directories(fs, 'a/b'))
	age(fs, 7)
	remove(fs, 'fresh')
	lastRun(place, fs, 60)
	const { summary } = await run(fs)
	assert.deepEqual(summary.outcomes, { removed: 1, kept: 2 })
	assert.deepEqual((await keptPaths(fs)).sort(), ['a/b/young', 'fresh'])
	flushLater(fs)
	const gone = folderName({ day: dayOf(Date.now() / 1000) - 8, keepDays: undefined }).toString()
	assert.equal(existsSync(place.node(1, `.trash/${gone}`)), false)
	assert.equal(place.rows('SELECT 1 FROM entry WHERE CAST(name AS TEXT) = ?', gone).length, 0)
	assert.equal(place.rows('SELECT COUNT(*) AS many FROM replica')[0].many, 2)
})

test('a mount that says how long goes before the class; a class that keeps nothing any more keeps a month', async (t) => {
	const place = await installation(t, 1, [{ name: 'default', pattern: '', copies: 1 }])
	const { fs } = await place.start()
	fs.config.mount.trashDays = 60
	remove(fs, 'long')
	age(fs, 40, 60)
	for (const [days, name] of [
		[40, 'plain'],
		[20, 'month'],
	] as const) {
		fs.classes[0].trash = 7
		fs.config.mount.trashDays = -1
		remove(fs, name)
		age(fs, days)
		fs.classes[0].trash = 0
	}
	lastRun(place, fs, 60)
	await run(fs)
	assert.deepEqual((await keptPaths(fs)).sort(), ['long', 'month'])
})

test('nothing goes until two runs have found it old enough', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	remove(fs, 'a')
	age(fs, 30)
	assert.deepEqual((await run(fs)).summary.outcomes, {})
	assert.deepEqual(await keptPaths(fs), ['a'])
	// As if the clock had jumped ahead since the run before: by that one's time it is not due.
	lastRun(place, fs, 25 * DAY_SECONDS)
	assert.deepEqual((await run(fs)).summary.outcomes, { kept: 1 })
	assert.deepEqual((await run(fs)).summary.outcomes, { removed: 1 })
})

test('a clock that went back does not count as late', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	remove(fs, 'a')
	age(fs, 5)
	lastRun(place, fs, -30 * DAY_SECONDS)
	assert.deepEqual((await run(fs)).summary.outcomes, { kept: 1 })
})

test('while this machine and the catalogue disagree about the day nothing goes', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	remove(fs, 'a')
	age(fs, 30)
	lastRun(place, fs, 60)
	for (const days of [2, -2]) {
		const { summary, troubles } = await run(fs, { here: () => Date.now() / 1000 + days * DAY_SECONDS })
		assert.equal(summary.troubles, 1)
		assert.match(troubles[0], /^\.trash: the clocks .* 48 h apart/)
	}
	assert.deepEqual(await keptPaths(fs), ['a'])
})

test('one run removes so many, the next one the rest', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	for (let number = 0; number < 130; number++) remove(fs, `f${number}`)
	age(fs, 30)
	lastRun(place, fs, 60)
	const { summary, notes } = await run(fs)
	assert.deepEqual(summary.outcomes, { removed: 100 })
	assert.match(notes[0], /100 files were removed, as many as one run may/)
	assert.deepEqual((await run(fs)).summary.outcomes, { removed: 30 })
	assert.deepEqual(await keptPaths(fs), [])
})

test('what somebody else has put into the trash stays there', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	remove(fs, 'a')
	age(fs, 30)
	writeFile(fs, 'mine', 'x', directories(fs, '.trash/own'))
	lastRun(place, fs, 60)
	await run(fs)
	assert.equal(place.rows("SELECT 1 FROM entry WHERE CAST(name AS TEXT) = 'mine'").length, 1)
})
