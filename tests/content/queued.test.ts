/** What waits behind what another client is carrying out on a node has its turn as soon as he is through, and not with the next round of settling. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, put, tree } from './tree.ts'

for (const engine of engines) {
	test(`${engine.name}: two rename one file, the second while the first is at it`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start({ remote: true }), await made.start()]
		await put(a.fs, 'x', 'text')
		await flushLater(a.fs)
		await run(catchUp(b.fs))
		const { operations } = a.fs.nodes.get(1) as Node
		const gate = Promise.withResolvers<void>()
		const real = operations.rename
		operations.rename = async (...args) => {
			await gate.promise
			await real(...args)
		}
		const first = run(rename(a.fs, at('x'), at('y'), 'replace'))
		while ((await made.rows('SELECT * FROM intent')).length === 0) await pause(1)
		const { onQueued } = b.fs
		let isAsked = false
		b.fs.onQueued = async () => {
			isAsked = true
			gate.resolve()
			await first
			await flushLater(a.fs)
			await onQueued()
		}
		await run(rename(b.fs, at('y'), at('z'), 'replace'))
		assert.ok(isAsked)
		while ((await made.rows('SELECT * FROM intent')).length > 0) await pause(1)
		assert.deepEqual(readdirSync(made.node(1)).sort(), ['.cairn', 'z'])
		assert.equal(String(await get(b.fs, 'z')), 'text')
		assert.deepEqual(await made.problems(), [])
	})
}
