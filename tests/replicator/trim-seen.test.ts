/** Which other copies count before one is removed: those that were seen. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import type { Node } from '../../core/nodes/node.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { installation, setState, setUp } from '../unit/installation.ts'
import { copiedFile, holders, putCopy, runOn, setCopy, sha256, states } from './copies.ts'
import { good, surplus, suspect, three } from './trim-ground.ts'

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
