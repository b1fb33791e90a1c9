/** Verifying files of several names. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import type { Node } from '../../core/nodes/node.ts'
import { at, now } from '../unit/installation.ts'
import { holders, putCopy, states } from './copies.ts'
import { good, two } from './verify-ground.ts'

test('hard links: the bytes are kept once, a stranger with one of the names is left alone', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const name of ['g', 'h']) now(link(fs, id, at(name)))
	await flushLater(fs)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	disk.unlinkSync(place.node(1, 'h'))
	disk.writeFileSync(place.node(1, 'h'), 'stranger')
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.deepEqual(
		[
			conflicts().length,
			holders(place, 'f', 'rots', [1]),
			holders(place, 'g', 'rots', [1]),
			holders(place, 'h', 'stranger', [1]),
		],
		[1, [], [], [1]],
	)
})

test('hard links: a name that leads to other bytes is brought back, missing ones too', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const name of ['g', 'h', 'i']) now(link(fs, id, at(name)))
	disk.rmSync(place.node(1, 'g'))
	disk.writeFileSync(place.node(1, 'g'), 'another')
	disk.rmSync(place.node(1, 'h'))
	disk.rmSync(place.node(1, 'i'))
	putCopy(place, fs, { id, node: 1, name: 'i' }, 'text')
	const { outcomes, notes, troubles } = await check()
	assert.deepEqual({ outcomes, troubles }, { outcomes: { relinked: 1 }, troubles: 0 })
	assert.match(notes.join(), /^f: its names led to different files on node1, and to one again; kept as .cairn/)
	const inodes = ['f', 'g', 'h', 'i'].map((name) => disk.statSync(place.node(1, name)).ino)
	assert.equal(new Set(inodes).size, 1)
	const [{ path, aside }, ...others] = conflicts()
	assert.deepEqual([path, others], ['g', []])
	assert.equal(disk.readFileSync(place.node(1, aside), 'utf8'), 'another')
	assert.deepEqual(states(place, id), { 1: good, 2: good })
	assert.deepEqual((await check()).outcomes, { good: 1 })
})

test('hard links: a name that leads to a copy as good and cannot be read at once is no conflict', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	now(link(fs, id, at('g')))
	putCopy(place, fs, { id, node: 1, name: 'g2' }, 'text')
	disk.renameSync(place.node(1, 'g2'), place.node(1, 'g'))
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { operations } = node
	const open = operations.open
	let failures = 1
	operations.open = (path, flags) => {
		if (path.equals(Buffer.from('g')) && failures-- > 0) fail('EIO')
		return open(path, flags)
	}
	assert.deepEqual((await check()).outcomes, { relinked: 1 })
	assert.ok(failures < 1)
	assert.deepEqual([states(place, id), conflicts()], [{ 1: good, 2: good }, []])
	assert.equal(disk.statSync(place.node(1, 'g')).ino, disk.statSync(place.node(1, 'f')).ino)
})

for (const [what, spoil, kept] of [
	['is gone', () => undefined, 0],
	['leads to other bytes', (name: string) => disk.writeFileSync(name, 'another'), 1],
] as const) {
	test(`hard links: where the first name ${what} the others still have the only copy`, async (t) => {
		const { place, fs, id, catalogue, check, conflicts } = await two(t)
		await catalogue.change('DELETE FROM replica WHERE node_id = 2')
		for (const name of ['g', 'h']) now(link(fs, id, at(name)))
		disk.rmSync(place.node(1, 'f'))
		spoil(place.node(1, 'f'))
		assert.deepEqual((await check()).outcomes, { relinked: 1 })
		assert.deepEqual([states(place, id), conflicts().length], [{ 1: good }, kept])
		for (const name of ['f', 'g', 'h']) assert.equal(disk.readFileSync(place.node(1, name), 'utf8'), 'text')
		assert.equal(new Set(['f', 'g', 'h'].map((name) => disk.statSync(place.node(1, name)).ino)).size, 1)
	})
}
