/** Copies that somebody began and did not finish. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { release } from '../../core/filesystem/publish.ts'
import { createFile, now, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'
import { once, prepare } from './replicate-ground.ts'

test('a run whose lease is another process by now enters nothing', async (t) => {
	const { fs, rows, node, statesOf } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, {
		hold: once('copied', () => void rows("UPDATE lease SET client_id = 999 WHERE name = 'replicate:2'")),
	})
	assert.deepEqual(made.troubles, ['f: another process looks after the node now'])
	assert.equal(disk.existsSync(node(2, 'f')), false)
	assert.deepEqual(statesOf(id), ['1: 1@1', '2: 2@0'])
})

/** The next transactions fail, the last of them perhaps after its commit. */
function cutOff(fs: Filesystem, many: number, isCommitted: boolean): void {
	const { transaction } = fs.catalogue
	let left = many
	fs.catalogue.transaction = (body) => {
		if (--left === 0) fs.catalogue.transaction = transaction
		if (left === 0 && isCommitted) transaction(body)
		return fail('EIO', 'the catalogue is away')
	}
}

for (const isCommitted of [false, true]) {
	test(`the catalogue is away for a moment${isCommitted ? ', and its answer is lost' : ''}: the run waits for it`, async (t) => {
		const { fs, node, rows, incoming } = await prepare(t, 2)
		for (const name of ['f', 'g']) writeFile(fs, name, 'content')
		await flushLater(fs)
		const made = await makeCopies(fs, 2, { hold: once('copied', () => cutOff(fs, 2, isCommitted)) })
		assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: 2 }, []])
		assert.match(made.notes.join(), /the catalogue is away; waiting for it/)
		await flushLater(fs)
		for (const name of ['f', 'g']) assert.equal(disk.readFileSync(node(2, name), 'utf8'), 'content')
		assert.deepEqual([rows('SELECT * FROM intent'), incoming(2)], [[], []])
	})
}

test('interrupted in the middle of a large file: the next run goes on where it was', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	const content = randomBytes(80 * 1024 * 1024)
	const file = createFile(fs, 'big')
	file.node.operations.write(file.fd, content, 0)
	now(release(fs, file, true))
	await flushLater(fs)
	const stop = new AbortController()
	let moved = 0
	const pace = async (bytes: number) => {
		moved += bytes
		if (moved > 40 * 1024 * 1024) stop.abort()
	}
	const first = await makeCopies(fs, 2, { pace }, stop.signal)
	assert.equal(first.summary.stopped, true)
	assert.equal(disk.existsSync(node(2, 'big')), false)
	assert.match(incoming(2).join(), /^part-/)
	let second = 0
	const count = async (bytes: number) => {
		second += bytes
	}
	const made = await makeCopies(fs, 2, { pace: count })
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.ok(second <= content.length - 39 * 1024 * 1024, `${second} bytes were copied again`)
	assert.ok(disk.readFileSync(node(2, 'big')).equals(content))
	assert.deepEqual(incoming(2), [])
})

test('what a dead process left beside the tree is removed; what others have there is not', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	disk.mkdirSync(node(2, '.cairn/incoming/copies-left'))
	disk.writeFileSync(node(2, '.cairn/incoming/copies-left/0'), 'half')
	disk.writeFileSync(node(2, '.cairn/incoming/part-99-1-00000000-1-1-x'), 'half')
	disk.writeFileSync(node(2, '.cairn/incoming/7-somebody-elses'), 'theirs')
	await makeCopies(fs, 2)
	assert.deepEqual(incoming(2), ['7-somebody-elses'])
})
