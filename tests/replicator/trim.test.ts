/** Surplus copies go, and never one that is needed. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { at, installation, now, setState, setUp } from '../unit/installation.ts'
import { copiedFile, holders, putCopy, runOn, setCopy, sha256, states } from './copies.ts'
import { standingStill } from './standing-still.ts'

const { good, wanted, suspect, surplus } = REPLICA

const TWO = [{ name: 'two', pattern: '', copies: 2 }]

async function three(t: TestContext) {
	const place = await installation(t, 3, TWO)
	const client = await place.start()
	const id = await copiedFile(place, client, 'f', 'text', [1, 2, 3])
	await setCopy(client.catalogue, id, 3, surplus)
	return { place, client, id, fs: client.fs, catalogue: client.catalogue }
}

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

test('others count only when they are seen: away, missing, of another size', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	const kept = async (why = /only 1 of 2 other copies could be seen good/) => {
		const { outcomes, notes } = await runOn(fs, 3, trim())
		assert.deepEqual(outcomes, { kept: 1 })
		assert.match(notes.join(), why)
		assert.ok(disk.existsSync(place.node(3, 'f')))
	}
	setUp(fs, 2, false)
	await kept(/only 1 of 2 other copies are within reach/)
	setUp(fs, 2, true)
	disk.unlinkSync(place.node(2, 'f'))
	await kept()
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'longer')
	await kept()
	await setCopy(catalogue, id, 2, good)
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'text')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
})

test('a copy of the right size and time is read when its proof is old, or never was', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'rots')
	await catalogue.change('UPDATE replica SET verified_at = verified_at - 31 * 86400 WHERE node_id = 2')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	await setCopy(catalogue, id, 2, good)
	await catalogue.change('UPDATE replica SET verified_at = NULL WHERE node_id = 2')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(holders(place, 'f', 'text'), [1, 3])
})

test('a proof that something was done to the copy after, or that is of a day to come, is none', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'rots')
	await catalogue.change('UPDATE replica SET verified_at = verified_at - 10 WHERE node_id = 2')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	await setCopy(catalogue, id, 2, good)
	await catalogue.change('UPDATE replica SET verified_at = verified_at + 2 * 86400 WHERE node_id = 2')
	const { outcomes, notes } = await runOn(fs, 3, trim())
	assert.deepEqual(outcomes, { kept: 1 })
	assert.match(notes.join(), /f: the copy on node2 does not count: its bytes are not what they were/)
	// And nobody is given it any more, until it was verified.
	assert.deepEqual(states(place, id), { 1: good, 2: suspect, 3: surplus })
})

test('what was read in vain need not be read again', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await catalogue.change('UPDATE replica SET verified_at = NULL WHERE node_id = 1')
	disk.unlinkSync(place.node(2, 'f'))
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.notEqual(place.rows('SELECT verified_at FROM replica WHERE file_id = ? AND node_id = 1', id)[0].verified_at, null)
})

test('proofDays 0: every copy is read, and proved by that', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	fs.config.replicator.proofDays = 0
	await catalogue.change('UPDATE replica SET verified_at = verified_at - 100 WHERE state = 1')
	const before = place.rows('SELECT MAX(verified_at) AS at FROM replica WHERE state = 1')[0].at
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	for (const row of place.rows('SELECT verified_at FROM replica WHERE file_id = ?', id)) assert.ok(row.verified_at > before)
})

test('of a node that is emptied every other copy is read, however young its proof', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'tekt')
	await setCopy(catalogue, id, 2, good)
	await catalogue.change('UPDATE replica SET verified_at = verified_at + 10 WHERE node_id = 2')
	setState(fs, 3, 'drain')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(states(place, id), { 1: good, 2: suspect, 3: surplus })
})

test('a copy that is proved and perhaps in memory only has to be taken by its disk before another goes', async (t) => {
	const { place, fs, id } = await three(t)
	const second = fs.nodes.get(2) as Node
	const { sync } = second.operations
	let asked = 0
	Object.assign(second, { remote: true })
	second.operations.sync = () => {
		asked++
		fail('EIO')
	}
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(states(place, id), { 1: good, 2: good, 3: surplus })
	assert.ok(asked > 0)
	second.operations.sync = sync
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
})

test('nodes that are drained, down or dead do not count', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	for (const state of ['drain', 'down', 'dead'] as const) {
		setState(fs, 2, state)
		assert.deepEqual((await runOn(fs, 3, trim())).outcomes.removed, undefined, state)
		await setCopy(catalogue, id, 3, surplus)
	}
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2, 3])
})

test('a copy that adds a zone the class asks for stays', async (t) => {
	const place = await installation(t, 3, [{ name: 'two', pattern: '', copies: 1, zones: 2 }])
	const client = await place.start()
	const id = await copiedFile(place, client, 'f', 'text', [1, 3])
	await setCopy(client.catalogue, id, 3, surplus)
	await runOn(client.fs, 3, trim())
	assert.deepEqual(holders(place, 'f', 'text'), [1, 3])
	const third = await copiedFile(place, client, 'g', 'text', [1, 2, 3])
	await setCopy(client.catalogue, third, 3, surplus)
	await runOn(client.fs, 3, trim())
	assert.deepEqual(holders(place, 'g', 'text'), [1, 2])
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

test('without a hash in the catalogue the others are read and held against each other', async (t) => {
	const { place, fs, id, catalogue } = await three(t)
	await catalogue.change('UPDATE file SET hash = NULL')
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'rots')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	putCopy(place, fs, { id, node: 2, name: 'f' }, 'text')
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	const [row] = place.rows('SELECT hash, hash_version, version FROM file WHERE id = ?', id)
	assert.deepEqual([Buffer.from(row.hash), row.hash_version], [sha256(Buffer.from('text')), row.version])
})

test('a file that is open for writing is left alone', async (t) => {
	const { place, fs, id } = await three(t)
	const other = await place.start()
	now(open(other.fs, id, { write: true, truncate: false }))
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2, 3])
})

/** Something happens just before the first transaction that finds the others seen. */
function justBefore({ fs, catalogue }: { fs: Filesystem; catalogue: Driver }, happen: () => void): void {
	let looks = 0
	const { operations } = fs.nodes.get(2) as Node
	const { stat } = operations
	operations.stat = (path) => {
		looks++
		return stat(path)
	}
	const { transaction } = catalogue
	catalogue.transaction = (body) => {
		// Once when the copy was looked for, once more when it was to go.
		if (looks === 2) happen()
		looks += looks === 2 ? 1 : 0
		return transaction.call(catalogue, body) as never
	}
}

type Happening = (other: Driver, fs: Filesystem, id: number) => unknown

const HAPPENINGS: Record<string, Happening> = {
	'another copy goes': (other, _, id) => other.change('DELETE FROM replica WHERE file_id = ? AND node_id = 2', [id]),
	'another copy is to go': (other, _, id) => other.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 2', [id]),
	'another version': (other) => other.change('UPDATE file SET version = version + 1'),
	'a writer': (_, fs, id) => now(open(fs, id, { write: true, truncate: false })),
	'another name': (_, fs) => now(rename(fs, at('f'), at('g'), 'replace')),
	'another class': (other, _, id) => {
		other.change("INSERT INTO class (id, name, position, pattern, copies) VALUES (9, 'three', 9, '', 3)")
		return other.change('UPDATE file SET class_id = 9 WHERE id = ?', [id])
	},
	'its class asks for more': (other) => other.change('UPDATE class SET copies = 3'),
	'a change stands on a node whose copy counts': (other, _, id) =>
		other.change("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (2, 'unlink', CAST('f' AS BLOB), ?, 1, 0)", [id]),
	'another process took over': (other) => other.change('UPDATE lease SET client_id = client_id + 1'),
	'the lease ran out': (other) => other.change('UPDATE lease SET until_at = 0'),
	'the copy is not surplus': (other, _, id) =>
		other.change('UPDATE replica SET state = 1 WHERE file_id = ? AND node_id = 3', [id]),
}

for (const [what, happen] of Object.entries(HAPPENINGS)) {
	test(`between the look and the removal: ${what}`, async (t) => {
		const { place, fs, catalogue, id } = await three(t)
		const other = await place.start()
		await flushLater(fs)
		justBefore({ fs, catalogue }, () => happen(other.catalogue, other.fs, id))
		assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
		assert.ok(disk.existsSync(place.node(3, what === 'another name' ? 'g' : 'f')))
	})
}

test('what was seen long ago counts for nothing', async (t) => {
	const { place, fs, catalogue, id } = await three(t)
	const stand = standingStill(t)
	justBefore({ fs, catalogue }, () => stand.forMs(30_000))
	const { outcomes, notes } = await runOn(fs, 3, trim())
	assert.deepEqual([outcomes, states(place, id)[3]], [{ kept: 1 }, surplus])
	assert.match(notes.join(), /it took too long since the others were seen/)
})

test('decided, and then stood still: the removal is left to whoever settles the node', async (t) => {
	const { place, fs, catalogue, id } = await three(t)
	const stand = standingStill(t)
	const sync = catalogue.sync
	catalogue.sync = () => {
		stand.forMs(30_000)
		return sync.call(catalogue)
	}
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual(
		place.rows('SELECT client_id FROM intent').map((row) => row.client_id),
		[null],
	)
	assert.deepEqual([states(place, id), disk.existsSync(place.node(3, 'f'))], [{ 1: good, 2: good }, true])
	await place.start()
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2])
})

test('the node is told after the catalogue was synced', async (t) => {
	const { place, fs, catalogue } = await three(t)
	const seen: boolean[] = []
	const sync = catalogue.sync
	catalogue.sync = () => {
		seen.push(disk.existsSync(place.node(3, 'f')))
		return sync.call(catalogue)
	}
	await runOn(fs, 3, trim())
	assert.deepEqual([seen, disk.existsSync(place.node(3, 'f'))], [[true], false])
})

test('a directory is renamed between the look and the removal: what has the old name by then is not touched', async (t) => {
	const { place, client, fs, catalogue, id: first } = await three(t)
	await setCopy(catalogue, first, 3, good)
	const { id: directory } = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	const id = await copiedFile(place, client, 'x', 'text', [1, 2, 3])
	now(rename(fs, at('x'), at('x', directory), 'replace'))
	await setCopy(catalogue, id, 3, surplus)
	const other = await place.start()
	await flushLater(fs)
	// Here the directory is remembered by its old name.
	assert.equal(`${now(fs.directories.path(catalogue, directory))}`, 'd')
	justBefore({ fs, catalogue }, () => {
		now(rename(other.fs, at('d'), at('e'), 'replace'))
		flushLater(other.fs)
		disk.mkdirSync(place.node(3, 'd'))
		disk.writeFileSync(place.node(3, 'd/x'), 'another')
	})
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual([disk.existsSync(place.node(3, 'e/x')), disk.readFileSync(place.node(3, 'd/x'), 'utf8')], [true, 'another'])
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual([disk.existsSync(place.node(3, 'e/x')), disk.readFileSync(place.node(3, 'd/x'), 'utf8')], [false, 'another'])
})
