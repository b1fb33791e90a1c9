/** A name is moved to a directory that its node has yet to get: there it has the attributes it has in the tree, and nobody else may enter. On both engines. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import type { FileId } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { put, tree } from './tree.ts'

const mine = { mode: 0o700, uid: process.getuid?.() as number, gid: process.getgid?.() as number }

async function idOf(fs: Filesystem, path: string): Promise<FileId> {
	return (await run(resolve(fs, Buffer.from(path)))).row?.id as FileId
}

/** `private/deep`, which no node has, and a file `x` on the first. */
async function privateTree(t: TestContext, engine: Engine, nodes = 1) {
	const made = await tree(t, engine, { nodes })
	const { fs, reports } = await made.start()
	await run(makeDirectory(fs, at('private'), mine))
	await run(makeDirectory(fs, at('deep', await idOf(fs, 'private')), mine))
	await put(fs, 'x', 'content')
	const deep = await idOf(fs, 'private/deep')
	const modes = () => ['private', 'private/deep'].map((path) => statSync(made.node(1, path)).mode & 0o777)
	return { ...made, fs, reports, deep, modes }
}

for (const engine of engines) {
	test(`${engine.name}: a file that is renamed`, async (t) => {
		const { fs, deep, modes, reports, problems } = await privateTree(t, engine)
		await run(rename(fs, at('x'), at('y', deep), 'replace'))
		await flushLater(fs)
		assert.deepEqual([modes(), reports, await problems()], [[0o700, 0o700], [], []])
	})

	test(`${engine.name}: a file that gets a second name`, async (t) => {
		const { fs, deep, modes, reports, problems } = await privateTree(t, engine)
		await run(link(fs, await idOf(fs, 'x'), at('y', deep)))
		await flushLater(fs)
		assert.deepEqual([modes(), reports, await problems()], [[0o700, 0o700], [], []])
	})

	test(`${engine.name}: a directory that is moved`, async (t) => {
		const { fs, deep, modes, reports, problems } = await privateTree(t, engine)
		await run(makeDirectory(fs, at('open'), { ...mine, mode: 0o755 }))
		await run(rename(fs, at('x'), at('x', await idOf(fs, 'open')), 'replace'))
		await run(rename(fs, at('open'), at('moved', deep), 'replace'))
		await flushLater(fs)
		assert.deepEqual([modes(), reports, await problems()], [[0o700, 0o700], [], []])
	})

	for (const isThere of [false, true]) {
		test(`${engine.name}: a file that changes places with one on another node${isThere ? ', seen from there' : ''}`, async (t) => {
			const { fs, deep, modes, reports, problems } = await privateTree(t, engine, 2)
			for (const node of fs.nodes.values()) node.space = { ...node.space, free: 2 ** 50 + node.id }
			await put(fs, 'private/deep/y', 'on the second')
			const [x, y] = [at('x'), at('y', deep)]
			await run(rename(fs, isThere ? y : x, isThere ? x : y, 'exchange'))
			await flushLater(fs)
			assert.deepEqual([modes(), reports, await problems()], [[0o700, 0o700], [], []])
		})
	}
}
