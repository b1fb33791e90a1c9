/** A file that is written was left on its node where its directory was before, and is brought to its name while others use that. On both engines. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { refreshClients } from '../../core/filesystem/clients.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { release } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, openNew, OWNER, tree, writeAndClose } from './tree.ts'

/** `a` has `d/x` open; `b` has renamed `d` to `e`, and on the node the file is where it was. */
async function leftBehind(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [a, b] = [await made.start(), await made.start()]
	for (const { fs } of [a, b]) await run(refreshClients(fs))
	const { id } = await run(makeDirectory(a.fs, at('d'), { ...OWNER, mode: 0o755 }))
	const file = await openNew(a.fs, 'x', id)
	await run(catchUp(b.fs))
	await run(rename(b.fs, at('d'), at('e'), 'replace'))
	await flushLater(b.fs)
	mkdirSync(made.node(1, 'd'))
	renameSync(made.node(1, 'e/x'), made.node(1, 'd/x'))
	return { ...made, a: a.fs, b: b.fs, directory: id, file, reports: a.reports }
}

/** Before the node says what stands where the file was left, the `count`-th time. */
function whenLookedFor(fs: Filesystem, count: number, meanwhile: () => Promise<unknown>): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations.stat
	operations.stat = (path) => {
		if (!path.equals(Buffer.from('d/x')) || --count !== 0) return real(path)
		return meanwhile().then(() => real(path))
	}
}

for (const engine of engines) {
	for (const [when, count] of [['is looked for', 1], ['is about to be moved', 2]] as const) {
		test(`${engine.name}: the node fails when it ${when}: its close does, and afterwards it is brought along`, async (t) => {
			const { a, b, file, rows, reports } = await leftBehind(t, engine)
			whenLookedFor(a, count, async () => fail('EIO'))
			await assert.rejects(writeAndClose(a, file, 'text'), { code: 'EIO' })
			await run(release(a, file, true))
			await flushLater(a)
			await run(settle(a))
			await run(catchUp(b))
			assert.equal(String(await get(b, 'e/x')), 'text')
			assert.deepEqual([reports, await rows('SELECT op FROM intent')], [[], []])
		})
	}

	test(`${engine.name}: nobody is in the way`, async (t) => {
		const { a, b, file, node } = await leftBehind(t, engine)
		await writeAndClose(a, file, 'text')
		await run(catchUp(b))
		assert.equal(String(await get(b, 'e/x')), 'text')
		assert.deepEqual(readdirSync(node(1, 'd')), [])
	})

	test(`${engine.name}: another renames it and makes a new one of that name: both are there`, async (t) => {
		const { a, b, directory, file, node, reports } = await leftBehind(t, engine)
		whenLookedFor(a, 1, async () => {
			await run(rename(b, at('x', directory), at('y', directory), 'replace'))
			await flushLater(b)
			await writeAndClose(b, await openNew(b, 'x', directory), 'of another')
		})
		await writeAndClose(a, file, 'text')
		await run(catchUp(b))
		assert.deepEqual([String(await get(b, 'e/x')), String(await get(b, 'e/y'))], ['of another', 'text'])
		assert.deepEqual([readdirSync(node(1, 'd')), reports], [[], []])
	})

	test(`${engine.name}: somebody has taken it along when it is to be moved`, async (t) => {
		const { a, b, file, node, reports, rows } = await leftBehind(t, engine)
		whenLookedFor(a, 2, async () => renameSync(node(1, 'd/x'), node(1, 'e/x')))
		await writeAndClose(a, file, 'text')
		await run(catchUp(b))
		assert.equal(readFileSync(node(1, 'e/x'), 'latin1'), 'text')
		assert.deepEqual([reports, await rows('SELECT op FROM intent')], [[], []])
	})
}
