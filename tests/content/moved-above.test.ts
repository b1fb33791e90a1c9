/** Directories that move while something below them is made, written or renamed: everything goes along, and nothing is set aside. On both engines. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { create, makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publish, publishAtClose, release } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run, wait } from '../../core/op.ts'
import { type Engine, engines, mariadb } from '../catalogue/engines.ts'
import { get, OWNER, put, tree } from './tree.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }
/** For another's transaction to be through, if nothing keeps it. */
const LONG_ENOUGH_MS = 300

const at = (parent: number, name: string) => ({ parent, name: Buffer.from(name) })

/** Two processes and a directory `d`. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [writing, moving] = [await made.start(), await made.start()]
	const d = (await run(makeDirectory(writing.fs, at(ROOT_ID, 'd'), DIRECTORY))).id
	await flushLater(writing.fs)
	// The first hears of the second.
	await run(catchUp(writing.fs))
	const reports = () => [...writing.reports, ...moving.reports]
	async function problems(): Promise<string[]> {
		await made.problems()
		for (const { fs } of [writing, moving]) await run(settle(fs))
		return made.problems()
	}
	return { ...made, fs: writing.fs, other: moving.fs, d, reports, problems }
}

async function begin(fs: Filesystem, parent: number, name: string): Promise<OpenFile> {
	const made = await run(create(fs, at(parent, name), OWNER, true))
	if (!('open' in made)) throw new Error('it was there')
	return made.open
}

async function write({ node, fd }: OpenFile, text: string): Promise<void> {
	await node.operations.write(fd, Buffer.from(text), 0)
}

async function end(fs: Filesystem, file: OpenFile): Promise<void> {
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
}

/** Done once, when the node is about to be asked for that. */
function before(fs: Filesystem, name: 'create' | 'rename', meddle: () => Promise<unknown>): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations[name] as (...args: unknown[]) => unknown
	const between = async (...args: unknown[]) => {
		Object.assign(operations, { [name]: real })
		await meddle()
		return real(...args)
	}
	Object.assign(operations, { [name]: between } as Partial<NodeOperations>)
}

for (const engine of engines) {
	test(`${engine.name}: a file is published when its directory has moved, and the node has yet to be told`, async (t) => {
		const { fs, other, d, reports, node, problems } = await ground(t, engine)
		const file = await begin(fs, d, 'x')
		await write(file, 'one')
		await run(publish(fs, file))
		before(other, 'rename', async () => {
			await write(file, 'two')
			await run(publish(fs, file))
		})
		await run(rename(other, at(ROOT_ID, 'd'), at(ROOT_ID, 'e'), 'replace'))
		await end(fs, file)
		assert.deepEqual([await problems(), reports(), readdirSync(node(1)).sort()], [[], [], ['.cairn', 'e']])
		assert.equal(String(await get(other, 'e/x')), 'two')
	})

	test(`${engine.name}: a directory moves between the decision that a file is made in it and the making`, async (t) => {
		const { fs, other, d, reports, node, problems } = await ground(t, engine)
		await end(fs, await begin(fs, d, 'known'))
		await flushLater(fs)
		before(fs, 'create', async () => run(rename(other, at(ROOT_ID, 'd'), at(ROOT_ID, 'e'), 'replace')))
		const file = await begin(fs, d, 'x')
		await write(file, 'one')
		await end(fs, file)
		assert.deepEqual([await problems(), reports(), readdirSync(node(1)).sort()], [[], [], ['.cairn', 'e']])
		assert.equal(String(await get(other, 'e/x')), 'one')
	})

	test(`${engine.name}: and another one is in its place by then`, async (t) => {
		const { fs, other, d, reports, problems } = await ground(t, engine)
		before(fs, 'create', async () => {
			await run(rename(other, at(ROOT_ID, 'd'), at(ROOT_ID, 'e'), 'replace'))
			await run(makeDirectory(other, at(ROOT_ID, 'd'), DIRECTORY))
			await put(other, 'd/y', 'another')
			await flushLater(other)
		})
		const file = await begin(fs, d, 'x')
		// Nobody has written to it yet, and somebody may look for it now.
		assert.equal(String(await get(other, 'e/x')), '')
		await write(file, 'one')
		await end(fs, file)
		assert.deepEqual([await problems(), reports()], [[], []])
		assert.deepEqual([String(await get(other, 'e/x')), String(await get(other, 'd/y'))], ['one', 'another'])
	})

	test(`${engine.name}: a file is replaced that has another name: its journal says so`, async (t) => {
		const { fs, other, d } = await ground(t, engine)
		const replaced = await begin(fs, d, 'x')
		await end(fs, replaced)
		await run(link(fs, replaced.id, at(d, 'too')))
		await end(fs, await begin(fs, d, 'y'))
		await flushLater(fs)
		await run(catchUp(other))
		await run(rename(fs, at(d, 'y'), at(d, 'x'), 'replace'))
		const news = await run(catchUp(other))
		assert.ok(news.some((change) => change.file_id === replaced.id), 'a kernel would go on with the number of names it knows')
	})
}

for (const isOne of [true, false]) {
	test(`${mariadb.name}: a directory is to move while a name below it changes, by ${isOne ? 'the same process' : 'another'}`, async (t) => {
		const { fs, other, d, reports, node, problems } = await ground(t, mariadb)
		const sub = (await run(makeDirectory(fs, at(d, 'sub'), DIRECTORY))).id
		await end(fs, await begin(fs, sub, 'x'))
		await run(makeSymlink(fs, at(sub, 'link'), Buffer.from('x'), OWNER))
		await flushLater(fs)
		let moved: Promise<unknown> | undefined
		const whileItMoves = function* () {
			moved = run(rename(isOne ? fs : other, at(ROOT_ID, 'd'), at(ROOT_ID, 'e'), 'replace')) as Promise<unknown>
			yield* wait(pause(LONG_ENOUGH_MS))
		}
		await run(rename(fs, at(sub, 'x'), at(sub, 'y'), 'replace', whileItMoves))
		await moved
		assert.deepEqual([await problems(), reports()], [[], []])
		assert.deepEqual([readdirSync(node(1)).sort(), readdirSync(node(1, 'e/sub')).sort()], [['.cairn', 'e'], ['link', 'y']])
	})
}
