/** Verifying while others use the tree, and nodes that are not what they were. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { at, now } from '../unit/installation.ts'
import { holders, putCopy, states } from './copies.ts'
import { good, two, whileRead } from './verify-ground.ts'

test('a file that is written, renamed or removed while it is read is no damage', async (t) => {
	const happenings: Record<string, string> = {
		version: 'UPDATE file SET version = version + 1 WHERE id > 1',
		writer: 'INSERT INTO writer (file_id, client_id, node_id) SELECT id, 99, 1 FROM file WHERE kind = 8',
		name: "UPDATE entry SET name = CAST('g' AS BLOB)",
		removed: 'DELETE FROM entry',
		intent: "INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', CAST('f' AS BLOB), 2, 1, 0)",
		lease: 'UPDATE lease SET client_id = client_id + 1',
		'other copy': 'DELETE FROM replica WHERE node_id = 2',
	}
	for (const [what, sql] of Object.entries(happenings)) {
		const { place, fs, id, check, conflicts } = await two(t)
		const other = await place.start()
		putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
		whileRead({ fs, path: 'f', time: 2 }, () => void other.catalogue.change(sql))
		const [outcome] = await check().then(
			({ outcomes }) => Object.keys(outcomes),
			() => ['changed'],
		)
		assert.equal(outcome, 'changed', what)
		assert.deepEqual([conflicts(), holders(place, 'f', 'rots', [1]), states(place, id)[1]], [[], [1], good], what)
	}
})

test('a hash is taken only of what is still that version, under that name, and not being written', async (t) => {
	const happenings = {
		version: 'UPDATE file SET version = version + 1 WHERE id > 1',
		writer: 'INSERT INTO writer (file_id, client_id, node_id) SELECT id, 99, 1 FROM file WHERE kind = 8',
		name: "UPDATE entry SET name = CAST('g' AS BLOB)",
	}
	for (const [what, sql] of Object.entries(happenings)) {
		const { place, fs, id, catalogue, check } = await two(t)
		await catalogue.change('UPDATE file SET hash = NULL')
		const other = await place.start()
		whileRead({ fs, path: 'f', time: 1 }, () => void other.catalogue.change(sql))
		assert.deepEqual((await check()).outcomes, { changed: 1 }, what)
		assert.equal(place.rows('SELECT hash FROM file WHERE id = ?', id)[0].hash, null, what)
	}
})

test('what is not there, on a node that does not say which it is, is not missing', async (t) => {
	const { place, fs, check } = await two(t)
	const { id } = now(makeSymlink(fs, at('link'), Buffer.from('f'), { uid: 0, gid: 0 }))
	await flushLater(fs)
	disk.unlinkSync(place.node(1, 'link'))
	disk.unlinkSync(place.node(1, '.cairn/node.json'))
	assert.equal((await check({ path: Buffer.from('link') })).troubles, 1)
	assert.equal(states(place, id)[1], good)
})

test('a node whose directory is another by now loses nothing', async (t) => {
	const { place, id, check } = await two(t)
	disk.renameSync(place.node(1), place.node(9))
	disk.mkdirSync(place.node(1))
	const { outcomes, troubles } = await check()
	assert.deepEqual([outcomes, troubles, states(place, id)], [{}, 1, { 1: good, 2: good }])
})
