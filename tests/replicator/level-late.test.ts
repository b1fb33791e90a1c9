/** What was written by older classes, or while a node had no room, is found by one more pass. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { create } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { isLevelDue } from '../../replicator/level/round.ts'
import { runJob } from '../../replicator/replicator.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { engines } from '../catalogue/engines.ts'
import { at, OWNER } from '../unit/installation.ts'
import { type Tree, tree } from './level-tree.ts'

const classes = (copies: number) => [{ name: 'default', pattern: '', copies }]

async function write(fs: Filesystem, name: string): Promise<void> {
	const made = await run(create(fs, at(name), OWNER, true))
	if (!('open' in made)) throw new Error(`${name} is there already`)
	await made.open.node.operations.write(made.open.fd, Buffer.from(name), 0)
	await run(release(fs, made.open, true))
	await flushLater(fs)
}

/** What its probe finds meanwhile does not count. Gives the room back. */
function takeRoom(node: Node): () => void {
	const { operations } = node
	const { space } = operations
	const none = { ...node.space, free: 0 }
	operations.space = () => none
	Object.defineProperty(node, 'space', { get: () => none, set: () => undefined, configurable: true })
	return () => {
		operations.space = space
		Object.defineProperty(node, 'space', { value: none, writable: true })
	}
}

/** As if the time had passed after which a pass comes back. */
async function later(made: Tree): Promise<void> {
	await made.driver.change("UPDATE job SET ended = ended - 3600 WHERE name = 'pass'", [])
	await made.round()
}

for (const engine of engines) {
	test(`${engine.name}: a file of a class that asks for more by then`, async (t) => {
		const made = await tree(t, engine, 2, classes(1))
		const stale = await made.another()
		await made.round()
		await made.applyClasses(classes(2))
		await made.round()
		await write(stale, 'f')
		await later(made)
		await made.replicate()
	assert.deepEqual(made.onDisk().f, [1, 2])
	})
}

const BROUGHT: { [how: string]: (made: Tree, node: Node) => Promise<void> } = {
	'was written': ({ fs }) => write(fs, 'f'),
	async 'a walk found'({ fs }, node) {
		writeFileSync(join(node.root, 'f'), 'f')
		await runJob(fs, node, walk(), { signal: new AbortController().signal })
	},
	async 'a walk found with its attributes'({ fs }, node) {
		writeFileSync(join(node.root, 'f'), 'f')
		execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(node.root, 'f')])
		await runJob(fs, node, walk(), { signal: new AbortController().signal })
	},
}

for (const engine of engines) {
	for (const [how, bring] of Object.entries(BROUGHT)) {
		test(`${engine.name}: a file that ${how} while another node had no room`, async (t) => {
			const made = await tree(t, engine, 2, classes(2))
			await made.round()
			const [one, other] = [...made.fs.nodes.values()]
			const giveBack = takeRoom(other)
			await bring(made, one)
			assert.deepEqual(made.onDisk().f, [one.id])
			await later(made)
			assert.equal(await made.replicate(), 0)
			giveBack()
			await later(made)
			await made.replicate()
			assert.deepEqual(made.onDisk().f, [one.id, other.id])
			const summary = await made.rows("SELECT summary FROM job WHERE name = 'pass'")
			await later(made)
			assert.deepEqual(await made.rows("SELECT summary FROM job WHERE name = 'pass'"), summary)
		})
	}
}

for (const engine of engines) {
	test(`${engine.name}: a tree that takes long to look through, and in vain, is looked through less often`, async (t) => {
		const made = await tree(t, engine, 2, classes(2))
		await made.round()
		const [, other] = [...made.fs.nodes.values()]
		const giveBack = takeRoom(other)
		await write(made.fs, 'f')
		await later(made)
		await write(made.fs, 'g')
		const endedAgo = async (seconds: number) => {
			await made.driver.change(`UPDATE job SET ended = ${made.driver.capabilities.now} - ?, started = ${made.driver.capabilities.now} - ? - 600 WHERE name = 'pass'`, [seconds, seconds])
			return await isLevelDue(made.fs)
		}
		assert.equal(await endedAgo(3_600), false)
		assert.equal(await endedAgo(6_100), true)
		// Once it has found something to do it comes back soon.
		giveBack()
		await made.round()
		await write(made.fs, 'h')
		await made.driver.change("INSERT INTO setting (name, value) VALUES ('without_room', '1')", [])
		assert.equal(await endedAgo(500), false)
		assert.equal(await endedAgo(700), true)
	})
}
