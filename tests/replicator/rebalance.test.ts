/** Towards the same share of every disk in use. The disks are make-believe: what a node holds is what the catalogue says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import type { Node, Space } from '../../core/nodes/node.ts'
import { REBALANCE } from '../../replicator/level/activity.ts'
import { targetOf } from '../../replicator/level/moves.ts'
import type { LevelNode } from '../../replicator/level/nodes.ts'
import {
	abortRebalance,
	pauseRebalance,
	planBalance,
	resumeRebalance,
	startRebalance,
} from '../../replicator/level/rebalances.ts'
import { engines, sqlite } from '../catalogue/engines.ts'
import { type Tree, tree } from './level-tree.ts'

const GIB = 1024 ** 3
const FILE_BYTES = 5 * GIB
const TOLERANCE = 0.05

/** Nodes of these capacities in files; a file takes its share of the disk as soon as a copy is there. */
async function disks(made: Tree, ...capacities: number[]): Promise<() => Promise<number[]>> {
	const held = async () =>
		await made.rows('SELECT node_id, COUNT(*) AS many FROM replica WHERE state IN (1, 3, 4) GROUP BY node_id')
	const used = new Map<number, number>()
	for (const [index, capacity] of capacities.entries()) {
		const node = made.fs.nodes.get(index + 1) as Node
		const space = (): Space => ({
			capacity: capacity * FILE_BYTES,
			free: (capacity - (used.get(node.id) ?? 0)) * FILE_BYTES,
			files: 0,
			filesFree: 0,
			disk: 0,
		})
		Object.defineProperty(node, 'space', { get: space, set: () => undefined })
	}
	return async () => {
		used.clear()
		for (const { node_id, many } of await held()) used.set(node_id, Number(many))
		return capacities.map((_, index) => used.get(index + 1) ?? 0)
	}
}

async function filled(made: Tree, nodes: number, many: number): Promise<void> {
	for (let number = 2; number <= nodes; number++) await made.setState(number, 'nc')
	for (let number = 0; number < many; number++) await made.write(`f${number}`, `f${number}`)
	await made.driver.change('UPDATE file SET size = ? WHERE kind = 8', [FILE_BYTES])
	for (let number = 2; number <= nodes; number++) await made.setState(number, 'rw')
	await made.round()
}

for (const engine of engines) {
	test(`${engine.name}: the fullest gives to the emptiest until they are even, some at a time`, async (t) => {
		const made = await tree(t, engine, 3, [{ name: 'default', pattern: '', copies: 1 }])
		await filled(made, 3, 30)
		const now = await disks(made, 40, 40, 40)
		assert.deepEqual(await now(), [30, 0, 0])
		const plan = await planBalance(made.fs, TOLERANCE)
		assert.equal(
			plan.moves.reduce((sum, { files }) => sum + files, 0),
			20,
		)
		await startRebalance(made.fs, TOLERANCE)
		let rounds = 0
		for (; (await jobs.find(made.driver, REBALANCE))?.state === 'running'; rounds++) {
			assert.ok(rounds < 20)
			await made.round({ movesMax: 8 })
			assert.ok(Number((await made.rows('SELECT COUNT(*) AS many FROM replica WHERE state = 2'))[0].many) <= 8)
			await made.replicate()
			for (const nodes of Object.values(made.onDisk())) assert.ok(nodes.length >= 1)
			await made.trim()
			await now()
		}
		assert.ok(rounds > 3)
		const [a, b, c] = await now()
		assert.equal(a + b + c, 30)
		for (const many of [a, b, c]) assert.ok(Math.abs(many - 10) <= 2, `${a} ${b} ${c}`)
		assert.match((await jobs.find(made.driver, REBALANCE))?.summary ?? '', /"files":20/)
	})
}

test('paused nothing changes; aborted what was asked for is taken back', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await filled(made, 2, 10)
	const now = await disks(made, 20, 20)
	await now()
	await startRebalance(made.fs, TOLERANCE)
	await made.round()
	const asked = async () => Number((await made.rows('SELECT COUNT(*) AS many FROM replica WHERE state = 2'))[0].many)
	assert.ok((await asked()) > 0)
	await pauseRebalance(made.fs)
	await made.replicate()
	await now()
	await made.round()
	assert.deepEqual(await made.rows('SELECT * FROM replica WHERE state = 4'), [])
	await resumeRebalance(made.fs)
	await made.driver.change('UPDATE replica SET state = 2, version = 0 WHERE node_id = 2 AND file_id % 2 = 0')
	await abortRebalance(made.fs)
	await made.round()
	assert.equal(await asked(), 0)
	await made.trim()
	for (const [path, nodes] of Object.entries(made.onDisk())) assert.ok(nodes.length >= 1, path)
	assert.equal(Number((await made.rows('SELECT COUNT(*) AS many FROM replica'))[0].many), 10)
	assert.equal((await jobs.find(made.driver, REBALANCE))?.state, 'failed')
	await assert.rejects(pauseRebalance(made.fs), /not being balanced/)
})

test('aborted while a file is being written: its copy is taken back by the next pass', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await filled(made, 2, 10)
	await (await disks(made, 20, 20))()
	await made.round()
	await startRebalance(made.fs, TOLERANCE)
	await made.round()
	const [asked] = await made.rows('SELECT file_id FROM replica WHERE state = 2')
	await made.driver.change('INSERT INTO writer (file_id, client_id, node_id) VALUES (?, ?, 1)', [asked.file_id, made.fs.client])
	await abortRebalance(made.fs)
	await made.round()
	await made.driver.change('DELETE FROM writer', [])
	await made.replicate()
	// As if the time had passed after which a pass comes back.
	await made.driver.change("UPDATE job SET ended = ended - 3600 WHERE name = 'pass'", [])
	await made.round()
	await made.trim()
	assert.equal(Number((await made.rows('SELECT COUNT(*) AS many FROM replica'))[0].many), 10)
})

test('copies that are being moved survive a pass over the tree', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await filled(made, 2, 10)
	await (await disks(made, 20, 20))()
	await startRebalance(made.fs, TOLERANCE)
	await made.round()
	const before = await made.rows('SELECT * FROM replica WHERE state = 2')
	assert.ok(before.length > 0)
	await made.applyClasses([
		{ name: 'default', pattern: '', copies: 1 },
		{ name: 'more', pattern: '^none', copies: 2 },
	])
	await made.round()
	assert.deepEqual(await made.rows('SELECT * FROM replica WHERE state = 2'), before)
})

test('a file goes only where it brings two nodes nearer, and never out of a zone it needs', () => {
	const node = (id: number, used: number, zone: string, more: Partial<LevelNode> = {}): LevelNode => ({
		id,
		name: `n${id}`,
		zone,
		role: 'takes',
		reliable: true,
		capacity: 100,
		used,
		room: 100 - used,
		pending: 0,
		busy: false,
		...more,
	})
	const target = (
		nodes: LevelNode[],
		{ size = 10, zones = 1, copies = [{ node_id: 1, version: 1, state: 1 }] as ReplicaRow[] } = {},
	) => {
		const file = { id: 1, kind: 8, size, version: 1, class_id: 1, copies, names: [] }
		return targetOf(file, nodes[0], new Map(nodes.map((each) => [each.id, each])), { copies: copies.length, zones })?.id
	}
	assert.equal(target([node(1, 90, 'a'), node(2, 50, 'a'), node(3, 20, 'a')]), 3)
	assert.equal(target([node(1, 90, 'a'), node(2, 50, 'a', { role: 'keeps' })]), undefined, 'takes nothing new')
	assert.equal(target([node(1, 90, 'a'), node(2, 50, 'a', { room: 5 })]), undefined, 'no room')
	assert.equal(target([node(1, 90, 'a'), node(2, 80, 'a')]), undefined, 'they would change places')
	const both: ReplicaRow[] = [
		{ node_id: 1, version: 1, state: 1 },
		{ node_id: 2, version: 1, state: 1 },
	]
	assert.equal(
		target([node(1, 90, 'a'), node(2, 50, 'b'), node(3, 10, 'b')], { copies: both, zones: 2 }),
		undefined,
		'the only one in its zone',
	)
	assert.equal(target([node(1, 90, 'a'), node(2, 50, 'b'), node(3, 10, 'b'), node(4, 40, 'a')], { copies: both, zones: 2 }), 4)
	assert.equal(
		target([node(1, 90, 'a'), node(3, 10, 'a')], { copies: [{ node_id: 1, version: 1, state: 4 }] }),
		undefined,
		'it is going already',
	)
})
