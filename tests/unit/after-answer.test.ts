/** A door that answers first: what is left for afterwards, and what becomes of it when there is no afterwards. */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Op } from '../../core/op.ts'
import { at, installation, now, OWNER, writeFile } from './installation.ts'

/** What is put off from now on; calling the result does it. */
function putOff(fs: Filesystem): () => void {
	const owed: Array<() => void> = []
	fs.afterAnswer = (work) => owed.push(work)
	return () => {
		for (const work of owed.splice(0)) work()
	}
}

interface Case {
	change: (fs: Filesystem, id: number) => Op<unknown>
	after: string[]
}

const CASES: Record<string, Case> = {
	unlink: { change: (fs) => unlink(fs, at('f')), after: [] },
	rename: { change: (fs) => rename(fs, at('f'), at('g'), 'replace'), after: ['g'] },
	link: { change: (fs, id) => link(fs, id, at('g')), after: ['f', 'g'] },
	symlink: { change: (fs) => makeSymlink(fs, at('l'), Buffer.from('target'), OWNER), after: ['f', 'l'] },
}

const names = (directory: string) => readdirSync(directory).filter((name) => name !== '.cairn').sort()

for (const [title, { change, after }] of Object.entries(CASES)) {
	test(`${title}: the node is told when the caller has his answer`, async (t) => {
		const { start, rows, node } = await installation(t)
		const { fs } = await start()
		const id = writeFile(fs, 'f', 'text')
		const afterwards = putOff(fs)
		now(change(fs, id))
		assert.deepEqual(names(node(1)), ['f'])
		assert.equal(rows('SELECT * FROM intent').length, 1)
		afterwards()
		assert.deepEqual(names(node(1)), after)
		flushLater(fs)
		assert.deepEqual(rows('SELECT * FROM intent'), [])
	})

	test(`${title}: a process that ends between the two leaves it to the next`, async (t) => {
		const { start, rows, node } = await installation(t)
		const client = await start()
		const id = writeFile(client.fs, 'f', 'text')
		putOff(client.fs)
		now(change(client.fs, id))
		client.kill()
		const other = await start()
		assert.deepEqual(names(node(1)), after)
		flushLater(other.fs)
		assert.deepEqual(rows('SELECT * FROM intent'), [])
	})
}

test('attributes and directories wait for the answer too', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	const directory = now(makeDirectory(fs, at('d'), { ...OWNER, mode: 0o755 }))
	const id = writeFile(fs, 'f', 'text', directory.id)
	const afterwards = putOff(fs)
	now(setAttributes(fs, id, { mode: 0o600 }))
	assert.equal(statSync(node(1, 'd/f')).mode & 0o777, 0o644)
	afterwards()
	assert.equal(statSync(node(1, 'd/f')).mode & 0o777, 0o600)
	now(unlink(fs, at('f', directory.id)))
	afterwards()
	now(removeDirectory(fs, at('d')))
	assert.deepEqual(names(node(1)), ['d'])
	afterwards()
	assert.deepEqual(names(node(1)), [])
})

test('what a remote node has to do is not put off: others would find it in their way', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	Object.assign(fs.nodes.get(1) as Node, { remote: true })
	putOff(fs)
	now(unlink(fs, at('f')))
	assert.deepEqual(names(node(1)), [])
})

test('with another client about nothing is put off: it would find the node as it was before', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	await start()
	now(catchUp(fs))
	const id = writeFile(fs, 'f', 'text')
	putOff(fs)
	now(link(fs, id, at('g')))
	assert.deepEqual(names(node(1)), ['f', 'g'])
})
