/** What a disk has forgotten is done again while others use the tree: what is theirs stays. On both engines. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import * as carried from '../../core/catalogue/carried.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import { TICK_MICROSECONDS_MAX } from '../../core/filesystem/forgotten.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, put, tree } from './tree.ts'

const GONE_CLIENT = 1_000_000
/** Of none that there is. */
const OTHER_INODE = '1 1.1@1'

/** Two processes, and that a third which has ended without a word had taken away another `x`, or moved it, `secondsAgo`. */
async function afterOneThatEnded(t: TestContext, engine: Engine, secondsAgo: number, to?: string) {
	const made = await tree(t, engine)
	const [living, settling] = [await made.start(), await made.start()]
	const intent: Intent = { nodeId: 1, op: to ? 'rename' : 'unlink', path: Buffer.from('x'), toPath: to ? Buffer.from(to) : null, fileId: 1, token: 1 }
	const turn = { client: GONE_CLIENT, seq: (Date.now() - secondsAgo * 1000) * 1000 }
	const [sql, params] = carried.insertQuery(turn, intent, OTHER_INODE, settling.fs.capabilities)
	await settling.fs.catalogue.change(sql, params)
	return { ...made, living: living.fs, settling: settling.fs, reports: settling.reports }
}

/** `answer` stands between and may do something before or after it asks the node what is at `x`. */
function whenAsked(fs: Filesystem, name: 'inode' | 'stat', answer: (ask: () => unknown) => Promise<unknown>): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations[name] as (path: Buffer) => unknown
	const between = (path: Buffer) => (path.equals(Buffer.from('x')) ? answer(() => real(path)) : real(path))
	Object.assign(operations, { [name]: between } as Partial<NodeOperations>)
}

for (const engine of engines) {
	test(`${engine.name}: a file that has the name of one that was moved on in the meantime`, async (t) => {
		// To come, so that nothing that stands there can have been made after it.
		const { living, settling, reports, node, problems } = await afterOneThatEnded(t, engine, -60)
		await put(living, 'x', 'the first')
		await pause((2 * TICK_MICROSECONDS_MAX) / 1_000) // of a file that is younger it is not asked whose it is
		const done: string[] = []
		whenAsked(settling, 'stat', async (ask) => {
			const stat = ask()
			await run(rename(living, at('x'), at('first'), 'replace'))
			await flushLater(living)
			done.push('moved')
			return stat
		})
		whenAsked(settling, 'inode', async (ask) => {
			if (done.length === 1) done.push(await put(living, 'x', 'the second').then(() => 'replaced'))
			return ask()
		})
		await run(settle(settling))
		assert.deepEqual(done, ['moved', 'replaced'])
		assert.deepEqual([String(await get(living, 'first')), String(await get(living, 'x'))], ['the first', 'the second'])
		assert.deepEqual([reports, readdirSync(node(1)).sort(), await problems()], [[], ['.cairn', 'first', 'x'], []])
	})

	test(`${engine.name}: what came to the name since it was begun, whosever it is`, async (t) => {
		const { settling, reports, node } = await afterOneThatEnded(t, engine, 3_600)
		whenAsked(settling, 'inode', async (ask) => {
			if (!existsSync(node(1, 'x'))) writeFileSync(node(1, 'x'), 'on its way')
			return ask()
		})
		await run(settle(settling))
		assert.deepEqual([reports, readFileSync(node(1, 'x'), 'latin1')], [[], 'on its way'])
	})

	test(`${engine.name}: what is gone in the meantime`, async (t) => {
		const { settling, reports, node } = await afterOneThatEnded(t, engine, -60)
		writeFileSync(node(1, 'x'), 'going')
		await pause((2 * TICK_MICROSECONDS_MAX) / 1_000)
		whenAsked(settling, 'stat', async (ask) => {
			rmSync(node(1, 'x'))
			return ask()
		})
		await run(settle(settling))
		assert.deepEqual([reports, existsSync(node(1, 'x'))], [[], false])
	})

	test(`${engine.name}: what came back goes, however often what stands where the other went is written`, async (t) => {
		const { settling, reports, node } = await afterOneThatEnded(t, engine, -60, 'log')
		for (const name of ['x', 'log']) writeFileSync(node(1, name), 'old')
		await pause((2 * TICK_MICROSECONDS_MAX) / 1_000)
		let looks = 0
		whenAsked(settling, 'inode', async (ask) => {
			// With a look that never ends the test would not either.
			if (++looks < 1_000) appendFileSync(node(1, 'log'), 'and on')
			return ask()
		})
		await run(settle(settling))
		assert.ok(looks < 1_000)
		assert.match(reports.join(), /x is back, whose successor was lost/)
		assert.deepEqual(readdirSync(node(1)).sort(), ['.cairn', 'log'])
	})
}
