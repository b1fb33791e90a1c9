/** Emptying a node, round by round, with a replicator and a trimmer in between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import { wait } from '../../core/op.ts'
import { drainName, progressOf } from '../../replicator/level/activity.ts'
import type { DrainProgress } from '../../replicator/level/drain.ts'
import { abortDrain, pauseDrain, resumeDrain, startDrain } from '../../replicator/level/drains.ts'
import { engines, sqlite } from '../catalogue/engines.ts'
import { type Tree, tree } from './level-tree.ts'

const FILES = 12
const TWO = [{ name: 'default', pattern: '', copies: 2 }]

async function filled(made: Tree, many = FILES): Promise<void> {
	for (let number = 0; number < many; number++) await made.write(`file${number}`, `file${number}`)
	await made.replicate()
}

/** Some on every pair of the first three nodes, however much room they have. */
async function spread(made: Tree): Promise<void> {
	for (const without of [1, 2, 3]) {
		await made.setState(without, 'nc')
		for (let number = 0; number < 4; number++) await made.write(`file${without}${number}`, `file${without}${number}`)
		await made.setState(without, 'rw')
	}
	await made.replicate()
}

function fewest(made: Tree): number {
	return Math.min(...Object.values(made.onDisk()).map((nodes) => nodes.length))
}

const held = async (made: Tree, node: number) =>
	(await made.rows('SELECT state, COUNT(*) AS many FROM replica WHERE node_id = ? GROUP BY state ORDER BY state', node)).map(
		(row) => [row.state, Number(row.many)],
	)
const stateOf = async (made: Tree, node: number) => (await made.rows('SELECT state FROM node WHERE id = ?', node))[0].state

for (const engine of engines) {
	test(`${engine.name}: a node is emptied, and no file ever has fewer copies than its class asks for`, async (t) => {
		const made = await tree(t, engine, 3, TWO)
		await spread(made)
		await startDrain(made.fs, 'node1')
		const before = Object.values(made.onDisk()).filter((nodes) => nodes.includes(1)).length
		assert.ok(before > 0)
		let notes: string[] = []
		for (let round = 0; round < 6 && notes.length === 0; round++) {
			const said = await made.round()
			assert.deepEqual(said.left, [])
			notes = said.notes
			await made.replicate()
			assert.ok(fewest(made) >= 2)
			if (round === 1) await made.write('meanwhile', 'meanwhile')
			await made.trim()
			await made.replicate()
			assert.ok(fewest(made) >= 2)
		}
		assert.match(notes[0], /node1 is empty/)
		assert.deepEqual(await held(made, 1), [])
		for (const nodes of Object.values(made.onDisk())) assert.deepEqual(nodes, [2, 3])
		assert.equal((await jobs.find(made.driver, drainName(1)))?.state, 'done')
		assert.equal(await nodeTable.inUse(made.driver, 1), undefined)
	})

	test(`${engine.name}: paused nothing may go, aborted what was asked for is taken back`, async (t) => {
		const made = await tree(t, engine, 3, [{ name: 'default', pattern: '', copies: 1 }])
		await made.setState(1, 'ro')
		await made.setState(1, 'rw')
		await filled(made)
		await made.setState(2, 'nc')
		await made.setState(3, 'nc')
		for (let number = 0; number < 3; number++) await made.write(`one${number}`, `one${number}`)
		await made.setState(2, 'rw')
		await made.setState(1, 'nc')
		const former = await held(made, 1)
		await startDrain(made.fs, 'node1')
		await made.round()
		const asked = await held(made, 2)
		assert.ok(asked.some(([state]) => state === 2))
		await pauseDrain(made.fs, 'node1')
		await made.replicate()
		await made.round()
		assert.deepEqual(await held(made, 1), former)
		assert.equal(await stateOf(made, 1), 'drain')
		await resumeDrain(made.fs, 'node1')
		await made.write('two', 'two')
		await abortDrain(made.fs, 'node1')
		assert.equal(await stateOf(made, 1), 'nc')
		await made.round()
		await made.trim()
		// Those that had arrived meanwhile are one too many.
		assert.deepEqual(await made.rows('SELECT file_id FROM replica WHERE state <> 1 GROUP BY file_id'), [])
		for (const [path, nodes] of Object.entries(made.onDisk())) assert.equal(nodes.length, 1, path)
		assert.equal((await jobs.find(made.driver, drainName(1)))?.state, 'failed')
	})
}

test('what cannot be placed is named, and stays', async (t) => {
	const made = await tree(t, sqlite, 2, TWO)
	await filled(made, 3)
	await startDrain(made.fs, 'node1')
	const { left } = await made.round()
	assert.equal(left.length, 3)
	assert.match(left[0], /^file\d: its class asks for 2 copies, and there is no other node that takes one$/)
	await made.replicate()
	assert.equal(await made.trim(), 0)
	assert.equal(fewest(made), 2)
	const progress = progressOf<DrainProgress>(await jobs.find(made.driver, drainName(1)))
	assert.deepEqual(progress?.unplaced, { files: 3, bytes: 15 })
	await made.addNode(3)
	assert.deepEqual((await made.round()).left, [])
	assert.equal(await made.replicate(), 3)
	await made.round()
	assert.equal(await made.trim(), 3)
	assert.match((await made.round()).notes[0], /is empty/)
})

test('no more is asked of a node than it can take back, and the rest follows', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await made.setState(2, 'nc')
	await filled(made, 620)
	await made.setState(2, 'rw')
	// The pass that the change of the node asks for comes first.
	await made.round()
	await startDrain(made.fs, 'node1')
	await made.round({ pendingMax: 7 })
	assert.deepEqual(await held(made, 2), [[2, 7]])
	await made.replicate()
	await made.round({ pendingMax: 7 })
	assert.deepEqual(await held(made, 2), [
		[1, 7],
		[2, 7],
	])
	assert.deepEqual(await held(made, 1), [
		[1, 613],
		[4, 7],
	])
	await made.round({ pendingMax: 100_000 })
	await made.replicate()
	await made.round()
	await made.trim()
	assert.match((await made.round()).notes[0], /is empty/)
	assert.equal(Object.keys(made.onDisk()).length, 620)
})

test('a round that has no more time goes on where it stopped', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await made.setState(2, 'nc')
	await filled(made, 1_100)
	await made.setState(2, 'rw')
	await made.round()
	await startDrain(made.fs, 'node1')
	for (const asked of [500, 1_000, 1_100]) {
		await made.round({ forMs: 0 })
		assert.deepEqual(await held(made, 2), [[2, asked]])
	}
})

test('a keeper who sets a node to drain gets it emptied; set to something else, it stops', async (t) => {
	const made = await tree(t, sqlite, 3, TWO)
	await spread(made)
	await made.setState(1, 'drain')
	await made.round()
	await made.round()
	assert.equal((await jobs.find(made.driver, drainName(1)))?.state, 'running')
	assert.ok((await made.rows('SELECT * FROM replica WHERE state = 2')).length > 0)
	await made.setState(1, 'rw')
	await made.round()
	assert.deepEqual(await made.rows('SELECT * FROM replica WHERE state = 2'), [])
	assert.equal((await jobs.find(made.driver, drainName(1)))?.state, 'failed')
})

test('one process at a time; a late one changes nothing', async (t) => {
	const made = await tree(t, sqlite, 3, TWO)
	await spread(made)
	await startDrain(made.fs, 'node1')
	const other = await made.another()
	await made.driver.transaction(function* (tx) {
		tx.write("INSERT INTO lease (name, client_id, token, until_at) VALUES ('levelling', ?, 1, unixepoch() + 60)", [other.client])
		yield* wait(undefined)
	})
	const before = await made.rows('SELECT * FROM replica ORDER BY file_id, node_id')
	assert.match((await made.round()).holder ?? '', /test, process \d+ on /)
	assert.deepEqual(await made.rows('SELECT * FROM replica ORDER BY file_id, node_id'), before)
})

test('two nodes at once: the copies both have are made elsewhere first', async (t) => {
	const made = await tree(t, sqlite, 4, TWO)
	await spread(made)
	await startDrain(made.fs, 'node1')
	await startDrain(made.fs, 'node2')
	for (let round = 0; round < 6; round++) {
		await made.round()
		await made.replicate()
		await made.trim()
		assert.ok(fewest(made) >= 2)
	}
	for (const nodes of Object.values(made.onDisk())) assert.deepEqual(nodes, [3, 4])
})
