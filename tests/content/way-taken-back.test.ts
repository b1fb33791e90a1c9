/** A directory that goes, or moves, in the moment in which it is made on a node for a new file: nothing of it stays there. On both engines. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { removeDirectory } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { takeBackWay } from '../../core/filesystem/take-back-way.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, mariadb } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { duringNext } from './meanwhile.ts'
import { get, put, tree } from './tree.ts'

const directory = { mode: 0o755, uid: 0, gid: 0 }

/** Two processes; what is done when the first is about to make a directory on the node, and nothing could be seen of it until now. */
async function between(t: TestContext, engine: Engine, meddle: (other: Filesystem) => Promise<unknown>) {
	const made = await tree(t, engine)
	const [{ fs, reports }, other] = [await made.start(), await made.start()]
	await run(makeDirectory(fs, at('above'), directory))
	const above = await run(resolve(fs, Buffer.from('above')))
	await run(makeDirectory(fs, at('gone', above.row?.id), directory))
	const { operations } = fs.nodes.get(1) as Node
	const real = operations.makeDirectory
	let isOver = false
	Object.assign(operations, {
		async makeDirectory(...args: Parameters<typeof real>) {
			if (!isOver && args[0].equals(Buffer.from('above/gone'))) {
				isOver = true
				await meddle(other.fs)
			}
			return real(...args)
		},
	})
	const ended = await put(fs, 'above/gone/x', 'content').then(() => 'stored', (error) => error.code)
	assert.ok(isOver)
	/** When each has noted what it did, and carried out what had to wait for that. */
	async function problems(): Promise<string[]> {
		await made.problems()
		await run(settle(fs))
		return made.problems()
	}
	return { ...made, ended, other: other.fs, reports, problems }
}

async function idOf(fs: Filesystem, path: string): Promise<number> {
	return (await run(resolve(fs, Buffer.from(path)))).row?.id as number
}

async function remove(fs: Filesystem): Promise<void> {
	await run(removeDirectory(fs, at('gone', await idOf(fs, 'above'))))
}

for (const engine of engines) {
	test(`${engine.name}: one that leads to another file's too: it goes with the last of them`, async (t) => {
		const { start, node } = await tree(t, engine)
		const { fs, reports } = await start()
		for (const name of ['one', 'other']) mkdirSync(node(1, `gone/${name}`), { recursive: true })
		await run(takeBackWay(fs, fs.nodes.get(1) as Node, Buffer.from('gone/one/x')))
		assert.deepEqual([readdirSync(node(1, 'gone')), reports], [['other'], []])
		await run(takeBackWay(fs, fs.nodes.get(1) as Node, Buffer.from('gone/other/x')))
		assert.deepEqual([existsSync(node(1, 'gone')), reports], [false, []])
	})

	test(`${engine.name}: one that was removed`, async (t) => {
		const { ended, node, problems } = await between(t, engine, remove)
		assert.equal(ended, 'ENOENT')
		assert.deepEqual([await problems(), readdirSync(node(1, 'above'))], [[], []])
	})

	test(`${engine.name}: two of them that were`, async (t) => {
		const { ended, node, problems } = await between(t, engine, async (other) => {
			await remove(other)
			await run(removeDirectory(other, at('above')))
		})
		assert.equal(ended, 'ENOENT')
		assert.deepEqual([await problems(), existsSync(node(1, 'above'))], [[], false])
	})

	test(`${engine.name}: one that is elsewhere; the file is in it`, async (t) => {
		const { ended, node, problems, other } = await between(t, engine, async (other) => {
			await run(rename(other, at('gone', await idOf(other, 'above')), at('moved'), 'replace'))
		})
		assert.equal(ended, 'stored')
		assert.equal((await get(other, 'moved/x')).toString(), 'content')
		assert.deepEqual([await problems(), readdirSync(node(1, 'above'))], [[], []])
	})

	test(`${engine.name}: one that is there again, with something in it`, async (t) => {
		const { ended, problems, other, reports } = await between(t, engine, async (other) => {
			await remove(other)
			await run(makeDirectory(other, at('gone', await idOf(other, 'above')), directory))
			await put(other, 'above/gone/y', 'another')
		})
		assert.equal(ended, 'ENOENT', 'it is not the directory that was asked for')
		assert.equal((await get(other, 'above/gone/y')).toString(), 'another')
		assert.deepEqual([await problems(), reports], [[], []])
	})

	test(`${engine.name}: one whose name a file has by now: that stays`, async (t) => {
		const { ended, problems, other, reports } = await between(t, engine, async (other) => {
			await remove(other)
			await put(other, 'above/gone', 'a file')
		})
		assert.equal(ended, 'ENOENT')
		assert.equal((await get(other, 'above/gone')).toString(), 'a file')
		assert.deepEqual([await problems(), reports], [[], []])
	})

	test(`${engine.name}: one that is to change places with a file, and has not yet on the node: what stands there is no stray`, async (t) => {
		const made = await tree(t, engine)
		const [{ fs, reports }, other] = [await made.start(), await made.start({ remote: true })]
		await run(makeDirectory(fs, at('d'), directory))
		await put(fs, 'd/y', 'below')
		await put(fs, 'f', 'a file')
		await flushLater(fs)
		await run(catchUp(other.fs))
		const [node, theirs] = [fs, other.fs].map((each) => (each.nodes.get(1) as Node).operations)
		const gate = Promise.withResolvers<void>()
		const move = theirs.rename
		theirs.rename = (...args) => gate.promise.then(() => move(...args))
		const changing = run(rename(other.fs, at('d'), at('f'), 'exchange'))
		while ((await made.rows('SELECT * FROM intent')).length === 0) await pause(1)
		const look = node.statNames
		node.statNames = (...args) => {
			try {
				return look(...args)
			} finally {
				setImmediate(gate.resolve)
			}
		}
		await put(fs, 'f/x', 'new')
		await changing
		await flushLater(other.fs)
		assert.deepEqual((await Promise.all(['d', 'f/x', 'f/y'].map((path) => get(fs, path)))).map(String), ['a file', 'new', 'below'])
		assert.deepEqual([await made.problems(), reports, readdirSync(made.node(1)).sort()], [[], [], ['.cairn', 'd', 'f']])
	})
}

test('MariaDB: a file comes to have the name of one while that is found to lead nowhere: it stays', async (t) => {
	const { start, node, problems } = await tree(t, mariadb)
	const [{ fs, reports }, other] = [await start(), await start()]
	mkdirSync(node(1, 'gone'))
	const storing = duringNext(fs, () => put(other.fs, 'gone', 'a file'))
	await run(takeBackWay(fs, fs.nodes.get(1) as Node, Buffer.from('gone/x')))
	await storing
	assert.equal((await get(other.fs, 'gone')).toString(), 'a file')
	assert.deepEqual([await problems(), reports, other.reports], [[], [], []])
})
