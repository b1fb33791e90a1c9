/** Intents of one transaction beside each other, exchanges, and nodes and processes that came later. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { fail } from '../../core/errors.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater, transact } from '../../core/filesystem/filesystem.ts'
import { carryOut, intend } from '../../core/filesystem/intents.ts'
import { rename, renameOver } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { wait } from '../../core/op.ts'
import { at, installation, now, writeFile } from './installation.ts'
import { names, replaceOperations } from './on-node.ts'

test('what is replaced goes also from a node that has nothing yet of what replaces it', async (t) => {
	const { start, rows, node } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await start()
	const old = writeFile(fs, 'f', 'old')
	const [holder] = rows('SELECT node_id FROM replica WHERE state = 1')
	disk.copyFileSync(node(holder.node_id, 'f'), node(3 - holder.node_id, 'f'))
	await fs.catalogue.transaction(function* (tx) {
		replicas.setGood(tx, old, 3 - holder.node_id, 1)
	})
	writeFile(fs, 'tmp', 'new')
	now(rename(fs, at('tmp'), at('f'), 'replace'))
	now(rename(fs, at('f'), at('g'), 'replace'))
	flushLater(fs)
	assert.deepEqual([...names(node(1)), ...names(node(2))], ['g'])
	assert.deepEqual(rows('SELECT * FROM intent'), [])
})

test('a directory renamed here is renamed on a node that came after this client started', async (t) => {
	const { start, addNode, node } = await installation(t)
	const old = await start()
	const directory = now(makeDirectory(old.fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	await addNode(2)
	const fresh = await start()
	;(fresh.fs.nodes.get(2) as Node).space.free *= 2
	writeFile(fresh.fs, 'f', 'text', directory.id)
	assert.deepEqual(names(node(2)), ['d'])
	now(rename(old.fs, at('d'), at('e'), 'replace'))
	flushLater(old.fs)
	now(settle(fresh.fs))
	assert.deepEqual(names(node(2)), ['e'])
})

test('a second process exchanges too, whatever the first left on the node', async (t) => {
	const { start, node } = await installation(t)
	const content = () => [disk.readFileSync(node(1, 'a'), 'utf8'), disk.readFileSync(node(1, 'b'), 'utf8')]
	const first = await start()
	writeFile(first.fs, 'a', '1')
	writeFile(first.fs, 'b', '2')
	now(rename(first.fs, at('a'), at('b'), 'exchange'))
	assert.deepEqual(content(), ['2', '1'])
	flushLater(first.fs)
	const second = await start()
	now(rename(second.fs, at('a'), at('b'), 'exchange'))
	assert.deepEqual(content(), ['1', '2'])
})

test('an exchange leaves nothing of its own on the node once its row is gone', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'a', '1')
	writeFile(fs, 'b', '2')
	now(rename(fs, at('a'), at('b'), 'exchange'))
	flushLater(fs)
	now(settle(fs))
	assert.deepEqual(disk.readdirSync(node(1, '.cairn')).sort(), ['conflicts', 'incoming', 'node.json'])
})

test('a directory that another has moved since it was looked at: what is carried out goes to the one that has the name now', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	await start()
	fs.shared = true
	const { id } = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	writeFile(fs, 'y', 'text', id)
	writeFile(fs, 'x', 'text')
	now(wait((fs.nodes.get(1) as Node).operations.statNames(Buffer.from('d'), [Buffer.from('y')])))
	disk.renameSync(node(1, 'd'), node(1, 'e'))
	disk.mkdirSync(node(1, 'd'))
	now(rename(fs, at('x'), at('x', id), 'replace'))
	assert.deepEqual([names(node(1, 'd')), names(node(1, 'e'))], [['x'], ['y']])
})

test('of two things that a transaction does to a path, the second stands until it is done', async (t) => {
	const { start, node } = await installation(t)
	const client = await start()
	const [a, b] = ['a', 'b'].map((name) => now(makeDirectory(client.fs, at(name), { mode: 0o755, uid: 0, gid: 0 })))
	writeFile(client.fs, 'new', 'text', a.id)
	writeFile(client.fs, 'old', 'text', b.id)
	const aside = Buffer.from('aside')
	const { rename: real } = (client.fs.nodes.get(1) as Node).operations
	replaceOperations(client, 1, { rename: (from, to, isNew) => (aside.equals(to) ? fail('EIO') : real(from, to, isNew)) })
	now(renameOver(client.fs, at('a'), at('b'), aside))
	flushLater(client.fs)
	assert.deepEqual(names(node(1)), ['a', 'b'])
	now(settle((await start()).fs))
	assert.deepEqual([names(node(1)), names(node(1, 'b')), names(node(1, 'aside'))], [['aside', 'b'], ['new'], ['old']])
})

test('of two links to a path the second stands until it is made', async (t) => {
	const { start, node } = await installation(t)
	const client = await start()
	const { fs } = client
	writeFile(fs, 'f', 'text')
	const [path, ...others] = ['f', 'g', 'h'].map((name) => Buffer.from(name))
	const { link: real } = (fs.nodes.get(1) as Node).operations
	replaceOperations(client, 1, { link: (from, to) => (others[1].equals(to) ? fail('EIO') : real(from, to)) })
	const list = others.map((toPath): Intent => ({ nodeId: 1, op: 'link', path, toPath, fileId: 0, token: 99 }))
	now(carryOut(fs, now(wait(transact(fs, (tx) => intend(fs, tx, list, false))))))
	flushLater(fs)
	assert.deepEqual(names(node(1)), ['f', 'g'])
	now(settle((await start()).fs))
	assert.deepEqual(names(node(1)), ['f', 'g', 'h'])
})
