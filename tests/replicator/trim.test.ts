/** Removing copies that are more than asked for: what goes, and what stays. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import type { Node } from '../../core/nodes/node.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { at, installation, now, setUp } from '../unit/installation.ts'
import { holders, putCopy, runOn, setCopy, states } from './copies.ts'
import { good, surplus, three, wanted } from './trim-ground.ts'

test('a surplus copy goes, row, bytes and all its names', async (t) => {
	const { place, fs, id } = await three(t)
	now(link(fs, id, at('g')))
	const { outcomes, troubles, bytes, expected } = await runOn(fs, 3, trim())
	assert.deepEqual({ outcomes, troubles, bytes, expected }, { outcomes: { removed: 1 }, troubles: 0, bytes: 4, expected: { files: 1, bytes: 4 } })
	assert.deepEqual(states(place, id), { 1: good, 2: good })
	assert.deepEqual(
		[holders(place, 'f', 'text'), holders(place, 'g', 'text')],
		[
			[1, 2],
			[1, 2],
		],
	)
	assert.deepEqual(place.rows('SELECT * FROM intent'), [])
})

for (const text of ['text', 'edited by hand']) {
	test(`what the disk does not show stays: it may be a copy, or anything (${text})`, async (t) => {
		const { place, fs, id } = await three(t)
		if (text !== 'text') disk.writeFileSync(place.node(3, 'f'), text)
		const { operations } = fs.nodes.get(3) as Node
		const { stat } = operations
		let failures = text === 'text' ? 1 : 2
		operations.stat = (path) => (failures-- > 0 ? fail('EIO') : stat(path))
		const { outcomes, notes } = await runOn(fs, 3, trim())
		assert.deepEqual(outcomes, { kept: 1 })
		assert.match(notes.join(), /1 kept, because what is there cannot be looked at: EIO \(f\)/)
		assert.equal(states(place, id)[3], surplus)
		assert.deepEqual([disk.readFileSync(place.node(3, 'f'), 'utf8'), place.rows('SELECT * FROM conflict')], [text, []])
		operations.stat = stat
		assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
		assert.equal(place.rows('SELECT * FROM conflict').length, text === 'text' ? 0 : 1)
	})
}

test('what somebody put in its place is kept aside, whichever of the names it has', async (t) => {
	const { place, fs, id } = await three(t)
	now(link(fs, id, at('g')))
	disk.rmSync(place.node(3, 'g'))
	disk.writeFileSync(place.node(3, 'g'), 'edited by hand')
	const { outcomes, notes } = await runOn(fs, 3, trim())
	assert.deepEqual(outcomes, { removed: 1 })
	assert.match(notes.join(), /^g: node node3 has something else there, kept as/)
	assert.deepEqual([disk.existsSync(place.node(3, 'f')), disk.existsSync(place.node(3, 'g'))], [false, false])
	const [conflict] = place.rows('SELECT * FROM conflict')
	assert.deepEqual([Buffer.from(conflict.path).toString(), conflict.reason, conflict.file_id], ['g', 'differs', id])
	assert.equal(disk.readFileSync(place.node(3, Buffer.from(conflict.aside).toString()), 'utf8'), 'edited by hand')
})

for (const [what, put] of [
	['a file', (path: string) => disk.writeFileSync(path, 'somebody’s')],
	['a symlink that leads elsewhere', (path: string) => disk.symlinkSync('elsewhere', path)],
	['nothing', () => undefined],
] as const)
	test(`in the place of a surplus symlink there is ${what}`, async (t) => {
		const place = await installation(t, 2, [{ name: 'one', pattern: '', copies: 1 }])
		const { fs, catalogue } = await place.start()
		const { id } = now(makeSymlink(fs, at('l'), Buffer.from('target'), { uid: 0, gid: 0 }))
		await flushLater(fs)
		const [{ node_id: holder }] = place.rows('SELECT node_id FROM replica')
		const other = holder === 1 ? 2 : 1
		put(place.node(other, 'l'))
		await setCopy(catalogue, id, other, surplus)
		assert.deepEqual((await runOn(fs, other, trim())).outcomes, { removed: 1 })
		const aside = place.rows('SELECT aside FROM conflict').map((row) => place.node(other, Buffer.from(row.aside).toString()))
		const kept = aside.map((path) => (what === 'a file' ? disk.readFileSync(path, 'utf8') : disk.readlinkSync(path)))
		assert.deepEqual(kept, { 'a file': ['somebody’s'], 'a symlink that leads elsewhere': ['elsewhere'], nothing: [] }[what])
		assert.throws(() => disk.lstatSync(place.node(other, 'l')), { code: 'ENOENT' })
		assert.equal(disk.readlinkSync(place.node(holder, 'l')), 'target')
	})

test('--dry-run says so and changes nothing', async (t) => {
	const { place, fs, id } = await three(t)
	assert.deepEqual((await runOn(fs, 3, trim({ dryRun: true }))).outcomes, { 'to be removed': 1 })
	assert.equal(states(place, id)[3], surplus)
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2, 3])
})

test('a copy that is needed again is good again, once it was seen good', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await catalogue.change('DELETE FROM replica WHERE node_id = 2')
	putCopy(place, fs, { id, node: 3, name: 'f' }, 'rots')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.equal(states(place, id)[3], surplus)
	putCopy(place, fs, { id, node: 3, name: 'f' }, 'text')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { 'good again': 1 })
	assert.deepEqual(states(place, id), { 1: good, 3: good })
})

test('a run that is told to end says nothing against what it has not read', async (t) => {
	const { place, fs, id } = await three(t)
	fs.config.replicator.proofDays = 0
	const stop = new AbortController()
	const ran = runOn(fs, 3, trim(), stop.signal)
	// A thread reads the first of the two others by now.
	setImmediate(() => stop.abort())
	const { outcomes, notes, stopped } = await ran
	assert.deepEqual({ outcomes, notes, stopped }, { outcomes: {}, notes: [], stopped: true })
	assert.deepEqual(states(place, id), { 1: good, 2: good, 3: surplus })
})

test('a copy that is wanted on a node that answers is waited for', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await setCopy(catalogue, id, 2, wanted)
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.equal(states(place, id)[3], surplus)
	setUp(fs, 2, false)
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { 'good again': 1 })
})

test('a surplus copy of an older version goes by the same rule, and is never taken back', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await catalogue.change('UPDATE replica SET version = 0 WHERE node_id = 3')
	await setCopy(catalogue, id, 2, wanted)
	setUp(fs, 2, false)
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	setUp(fs, 2, true)
	await setCopy(catalogue, id, 2, good)
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual(states(place, id), { 1: good, 2: good })
})

test('a surplus copy of an older version is as it was then, and nothing to keep', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await catalogue.change('UPDATE file SET version = version + 1, hash_version = hash_version + 1 WHERE id = ?', [id])
	await catalogue.change('UPDATE replica SET version = version + 1 WHERE file_id = ? AND node_id < 3', [id])
	disk.writeFileSync(place.node(3, 'f'), 'as it was before')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual([disk.existsSync(place.node(3, 'f')), place.rows('SELECT * FROM conflict')], [false, []])
})

test('a file that is open for writing is left alone', async (t) => {
	const { place, fs, id } = await three(t)
	const other = await place.start()
	now(open(other.fs, id, { write: true, truncate: false }))
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2, 3])
})
