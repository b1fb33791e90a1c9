/** What the keeper says of nodes reaches those who are running, by the journal. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import * as nodes from '../../core/catalogue/nodes.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { Node, NodeRow } from '../../core/nodes/node.ts'
import { createFile, installation, now, writeFile } from './installation.ts'

function keep(catalogue: Driver, name: string, wanted: Partial<nodes.NodeSettings>): void {
	catalogue.transaction(function* (tx) {
		const row = nodes.findByName(tx, name) as NodeRow
		nodes.update(tx, row.id, { ...row, ...wanted }, catalogue.capabilities)
	})
}

function read({ node, fd }: { node: Node; fd: number }): string {
	const bytes = Buffer.alloc(64)
	return bytes.toString('latin1', 0, node.operations.read(fd, bytes, 0) as number)
}

test('a node that is added, changed, declared dead or removed is so everywhere', async (t) => {
	const { start, addNode } = await installation(t)
	const { fs } = await start()
	const { catalogue } = await start()
	await addNode(2)
	await addNode(3)
	assert.equal(fs.nodes.size, 1)
	now(catchUp(fs))
	assert.deepEqual([...fs.nodes.values()].map(({ name, health }) => [name, health.up]), [['node1', true], ['node2', true], ['node3', true]])
	keep(catalogue, 'node2', { state: 'nc', zone: 'elsewhere' })
	keep(catalogue, 'node3', { state: 'dead' })
	now(catchUp(fs))
	assert.deepEqual([...fs.nodes.values()].map(({ row }) => [row.state, row.zone]), [['rw', 'zone1'], ['nc', 'elsewhere']])
	catalogue.transaction(function* (tx) {
		yield* nodes.remove(tx, 2, catalogue.capabilities)
	})
	now(catchUp(fs))
	assert.deepEqual([...fs.nodes.keys()], [1])
})

test('a node that has moved is opened at its new place; what is open goes on and ends with the last close', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	const { catalogue } = await start()
	const id = writeFile(fs, 'read', 'old')
	const reading = now(open(fs, id, { write: false, truncate: false }))
	const writing = createFile(fs, 'written')
	const before = fs.nodes.get(1) as Node
	renameSync(node(1), node(4))
	keep(catalogue, 'node1', { path: node(4) })
	now(catchUp(fs))
	const after = fs.nodes.get(1) as Node
	assert.notEqual(after, before)
	assert.deepEqual([after.root, after.health.up], [node(4), true])
	assert.equal(read(reading), 'old')
	writing.node.operations.write(writing.fd, Buffer.from('new'), 0)
	now(release(fs, writing, true))
	assert.equal(readFileSync(node(4, 'written'), 'utf8'), 'new')
	const again = now(open(fs, writing.id, { write: false, truncate: false }))
	assert.deepEqual([again.node, read(again)], [after, 'new'])
	before.operations.list(Buffer.alloc(0))
	now(release(fs, reading, false))
	assert.throws(() => before.operations.list(Buffer.alloc(0)), { code: 'ENOTCONN' })
	now(release(fs, again, false))
})

test('a change that leaves a node where it is does not open it anew', async (t) => {
	const { start } = await installation(t)
	const { fs } = await start()
	const { catalogue } = await start()
	const before = fs.nodes.get(1)
	keep(catalogue, 'node1', { weight: 7 })
	now(catchUp(fs))
	assert.equal(fs.nodes.get(1), before)
	assert.equal(before?.row.weight, 7)
	keep(catalogue, 'node1', { io: 'carried' })
	now(catchUp(fs))
	assert.equal(fs.nodes.get(1)?.passthrough, false)
})
