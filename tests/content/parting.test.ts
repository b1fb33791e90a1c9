/** A process that ends in the ordinary way leaves the nodes as the catalogue says. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { Query } from '../../core/catalogue/driver.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

for (const engine of engines) {
	test(`what waited for another process to finish is done before the last one goes: ${engine.name}`, async (test) => {
		const it = await tree(test, engine)
		const first = await it.start()
		const last = await it.start()
		const { row } = await put(first.fs, 'picture', 'bytes')
		// The first has done what follows, and the row that says so is not gone yet.
		const held: Query[] = []
		const { add } = first.fs.later
		first.fs.later.add = (query) => void held.push(query)
		await run(setAttributes(first.fs, row.id, { mode: 0o600 }))
		const { place } = await run(resolve(last.fs, Buffer.from('picture')))
		assert.ok(place)
		await run(unlink(last.fs, place))
		assert.ok(existsSync(it.node(1, 'picture')), 'it waits its turn')
		for (const query of held) add(query)
		await first.stop()
		await last.stop()
		assert.ok(!existsSync(it.node(1, 'picture')))
		assert.deepEqual(await it.problems(), [])
	})
}
