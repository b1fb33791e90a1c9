/** A file is looked for on its node in the moment in which a directory above it is moved: it is found, whatever of that was carried out by then. On both engines. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { until } from '../support/until.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { beforeAnswer } from './meanwhile.ts'
import { get, OWNER, put, tree } from './tree.ts'

/** `fs` is about to open `d/x`, which `move` makes `e/x`: decided and heard of, and carried out on the node with `carryOut`. */
async function ground(t: TestContext, engine: Engine) {
	const { start, rows, problems } = await tree(t, engine)
	const [{ fs, reports }, { fs: other }] = [await start(), await start({ remote: true })]
	await run(makeDirectory(fs, at('d'), { ...OWNER, mode: 0o755 }))
	await put(fs, 'd/x', 'text')
	await flushLater(fs)
	await run(catchUp(other))
	const gate = Promise.withResolvers<void>()
	const theirs = (other.nodes.get(1) as Node).operations
	const real = theirs.rename
	theirs.rename = (...args) => gate.promise.then(() => real(...args))
	let moving: Promise<unknown> | undefined
	async function move(): Promise<void> {
		moving = Promise.resolve(run(rename(other, at('d'), at('e'), 'replace')))
		await until('it is decided', async () => (await rows("SELECT 1 AS found FROM intent WHERE op = 'rename'"))[0])
		await run(catchUp(fs))
	}
	async function carryOut(): Promise<void> {
		gate.resolve()
		await moving
		await flushLater(other)
	}
	return { fs, reports, problems, move, carryOut, operations: (fs.nodes.get(1) as Node).operations }
}

/** When the node is first asked for it where it goes. */
function whenLookedFor(operations: Node['operations'], act: () => Promise<unknown>): void {
	const real = operations.open
	operations.open = (path, flags) => {
		if (!path.equals(Buffer.from('e/x'))) return real(path, flags)
		operations.open = real
		const opened = Promise.try(() => real(path, flags))
		return opened.finally(act)
	}
}

for (const engine of engines) {
	for (const [when, slow] of [['right afterwards', false], ['later', true]] as const) {
		test(`${engine.name}: decided when its names are known, carried out ${when}`, async (t) => {
			const { fs, reports, problems, move, carryOut, operations } = await ground(t, engine)
			beforeAnswer(fs, 'AS pin', move)
			let later: Promise<void> | undefined
			whenLookedFor(operations, async () => {
				if (!slow) return await carryOut()
				beforeAnswer(fs, 'FROM intent WHERE node_id', async () => {
					later = carryOut()
				})
			})
			assert.equal(String(await get(fs, 'd/x')), 'text')
			await later
			assert.deepEqual([await problems(), reports], [[], []])
		})
	}
}
