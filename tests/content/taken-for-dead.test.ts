/** A client that others take for dead, and that lives: what is its own stays, and what others did meanwhile too. On both engines. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { beat } from '../../core/filesystem/clients.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { put, type Tree, tree } from './tree.ts'

const WRITE = { write: true, truncate: false }

/** On another machine, and silent for longer than half a minute. */
const SILENT = "UPDATE client SET host = 'elsewhere', heartbeat = heartbeat - 100 WHERE id = ?"

async function pinsOf(made: Tree, id: number): Promise<number[]> {
	return (await made.rows('SELECT client_id FROM writer WHERE file_id = ?', id)).map((row) => Number(row.client_id))
}

/** Two processes, of which one was silent while the other looked. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [sleeper, settler] = [await made.start(), await made.start()]
	const { row: { id } } = await put(sleeper.fs, 'x', 'old')
	await flushLater(sleeper.fs)
	const fallSilent = () => settler.fs.catalogue.change(SILENT, [sleeper.fs.client])
	return { made, a: sleeper.fs, b: settler.fs, reports: settler.reports, id, fallSilent }
}

for (const engine of engines) {
	test(`${engine.name}: it shows a heartbeat after it was found silent, and is left alone`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		await fallSilent()
		const real = b.catalogue.transaction.bind(b.catalogue)
		let file: OpenFile | undefined
		Object.assign(b.catalogue, {
			transaction(body: never) {
				Object.assign(b.catalogue, { transaction: real })
				return (async () => {
					await run(beat(a))
					file = await run(open(a, id, WRITE))
					return real(body)
				})()
			},
		})
		await run(settle(b))
		await flushLater(b)
		assert.ok(file)
		assert.deepEqual([a.returns, await pinsOf(made, id), reports], [0, [a.client], []])
		await run(release(a, file, true))
	})

	test(`${engine.name}: it shows a heartbeat while its files are looked at, and keeps its pins`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		const file = await run(open(a, id, WRITE))
		await fallSilent()
		const { operations } = b.nodes.get(1) as Node
		const real = operations.stat
		Object.assign(operations, {
			async stat(path: Buffer) {
				Object.assign(operations, { stat: real })
				await run(beat(a))
				return real(path)
			},
		})
		await run(settle(b))
		await flushLater(b)
		assert.deepEqual([a.returns, await pinsOf(made, id), reports], [1, [a.client], []])
		await run(settle(b))
		assert.deepEqual(reports, [])
		await run(release(a, file, true))
		await flushLater(a)
		assert.deepEqual([await pinsOf(made, id), await made.problems()], [[], []])
	})

	test(`${engine.name}: who was settling it ends in the middle, and the next goes on`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		await run(open(a, id, WRITE))
		await fallSilent()
		const { operations } = b.nodes.get(1) as Node
		const real = operations.stat
		Object.assign(operations, {
			stat() {
				throw new TypeError('the end')
			},
		})
		await run(settle(b))
		assert.deepEqual(await pinsOf(made, id), [a.client])
		Object.assign(operations, { stat: real })
		await run(settle(b))
		assert.deepEqual([await pinsOf(made, id), await made.rows('SELECT id FROM client WHERE id = ?', a.client)], [[], []])
		assert.match(reports.join(), /settled client/)
	})
}
