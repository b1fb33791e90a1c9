/** Where copies are made from, and when they are not: bad ones, nodes that are away or full, what is first. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { setUp, writeFile } from '../unit/installation.ts'
import { dealtWith, makeCopies } from './copying.ts'
import { decided, once, prepare } from './replicate-ground.ts'

test('a bad copy is found out by its hash, counts as suspect, and another is the source', async (t) => {
	const { fs, node, statesOf } = await prepare(t, 3)
	const id = writeFile(fs, 'f', 'good content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	const times = disk.statSync(node(1, 'f'))
	disk.writeFileSync(node(1, 'f'), 'gOod content')
	disk.utimesSync(node(1, 'f'), times.atime, times.mtime)
	;(fs.nodes.get(1) as Node).health.read.ms = 0
	;(fs.nodes.get(2) as Node).health.read.ms = 50
	const made = await makeCopies(fs, 3)
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.match(made.notes.join('\n'), /^f: the copy on node node1 is not what it should be$/m)
	assert.equal(disk.readFileSync(node(3, 'f'), 'utf8'), 'good content')
	assert.deepEqual(statesOf(id), ['1: 3@1', '2: 1@1', '3: 1@1'])
})

test('all copies are bad: nothing is copied, nothing removed, and it is said', async (t) => {
	const { fs, node, statesOf, incoming } = await prepare(t, 3)
	const id = writeFile(fs, 'f', 'good content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	disk.writeFileSync(node(1, 'f'), 'bad! content')
	disk.truncateSync(node(2, 'f'), 3)
	const made = await makeCopies(fs, 3)
	assert.deepEqual([made.summary.outcomes, made.summary.troubles], [{}, 1])
	assert.match(made.troubles[0], /^f: /)
	assert.equal(disk.existsSync(node(3, 'f')), false)
	assert.deepEqual([disk.readFileSync(node(1, 'f'), 'utf8'), disk.readFileSync(node(2, 'f'), 'utf8')], ['bad! content', 'goo'])
	assert.deepEqual(statesOf(id), ['1: 3@1', '2: 3@1', '3: 2@0'])
	assert.deepEqual(incoming(3), [])
	assert.match((await makeCopies(fs, 3)).troubles[0], /no node within reach has a good copy/)
})

test('a source that is gone, or cannot be read, is named, and the next one serves', async (t) => {
	const { fs, node } = await prepare(t, 3)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	disk.unlinkSync(node(1, 'f'))
	;(fs.nodes.get(2) as Node).health.read.ms = 50
	const made = await makeCopies(fs, 3)
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.match(made.notes[0], /^f: cannot be copied from node node1: ENOENT$/)
})

test('a node that is away is no source; without another the file is named and left', async (t) => {
	const { fs, node } = await prepare(t, 3)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	setUp(fs, 1, false)
	setUp(fs, 2, false)
	const away = await makeCopies(fs, 3)
	assert.deepEqual([away.summary.outcomes, away.troubles], [{}, ['f: no node within reach has a good copy of it']])
	setUp(fs, 2, true)
	assert.deepEqual((await makeCopies(fs, 3)).summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(3, 'f'), 'utf8'), 'content')
})

test('a node that goes away ends its run, and not each of its files; the next run makes them all', async (t) => {
	const { fs, node, rows } = await prepare(t, 2)
	for (let file = 0; file < 20; file++) writeFile(fs, `f${file}`, 'content')
	await flushLater(fs)
	const [{ node_id: own }] = rows('SELECT node_id FROM replica WHERE state = 2 LIMIT 1')
	const target = fs.nodes.get(own) as Node
	const { create } = target.operations
	Object.assign(target, { remote: true })
	let made = 0
	target.operations.create = (...words) => {
		if (++made <= 3) return create(...words)
		setUp(fs, own, false)
		return fail('ENOTCONN')
	}
	await assert.rejects(makeCopies(fs, own), { message: `node node${own} is away: ENOTCONN` })
	Object.assign(target, { remote: false })
	target.operations.create = create
	setUp(fs, own, true)
	const next = await makeCopies(fs, own)
	await flushLater(fs)
	assert.deepEqual([next.troubles, disk.readdirSync(node(own, '.cairn/incoming')), rows('SELECT * FROM replica WHERE state = 2 AND node_id = ?', own)], [[], [], []])
})

test('files with the fewest good copies come first', async (t) => {
	const { fs } = await prepare(t, 4)
	const many = writeFile(fs, 'many', 'many')
	await flushLater(fs)
	for (const number of [2, 3]) await makeCopies(fs, number)
	const few = writeFile(fs, 'few', 'few')
	await flushLater(fs)
	fs.config.replicator.copiesAtOnce = 1
	const order: number[] = []
	await makeCopies(fs, 4, { hold: async (point, ids) => void (point === 'looked' && order.push(...ids)) })
	assert.deepEqual(order, [few, many])
})

test('what is wanted only since a run began is for the next one', async (t) => {
	const { fs } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, { hold: once('looked', () => void writeFile(fs, 'g', 'later')) })
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})

test('a node without room: another takes the copy where the class allows it, else it is left, and said once', async (t) => {
	const { fs, rows, statesOf } = await prepare(t, 3, 2)
	const id = writeFile(fs, 'f', 'content')
	const holder = rows('SELECT node_id FROM replica WHERE state = 1')[0].node_id
	const wanting = rows('SELECT node_id FROM replica WHERE state = 2')[0].node_id
	const third = [1, 2, 3].find((number) => number !== holder && number !== wanting) as number
	await flushLater(fs)
	fill(fs, wanting)
	assert.deepEqual((await makeCopies(fs, wanting)).summary.outcomes, { moved: 1 })
	assert.deepEqual(statesOf(id), [`${holder}: 1@1`, `${third}: 2@0`].sort())
	for (const name of ['g', 'h']) writeFile(fs, name, 'more')
	await flushLater(fs)
	fill(fs, third)
	const left = await makeCopies(fs, third)
	assert.equal(left.summary.troubles, 1)
	assert.match(left.troubles[0], /there is no room for it, and no other node can take it/)
	assert.equal(dealtWith(left), left.expected.files)
})

/** All that is free is to be kept free. */
function fill(fs: Filesystem, number: number): void {
	const node = fs.nodes.get(number) as Node
	node.row = { ...node.row, reserve: Number.MAX_SAFE_INTEGER }
}

test('a source that has yet to be told of the name of a file is waited for', async (t) => {
	const prepared = await prepare(t, 2)
	const { fs, rows } = prepared
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await decided(prepared, 1, 'f')
	const early = await makeCopies(fs, 2)
	assert.deepEqual([early.summary.outcomes, early.troubles], [{ busy: 1 }, []])
	rows('DELETE FROM intent')
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})
