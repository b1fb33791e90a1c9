/** A new file takes the name of another before it has come to its node: what it replaced goes from there, and is nobody's stray. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { refreshClients } from '../../core/filesystem/clients.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type FileId, ROOT_ID } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, openNew, put, tree, writeAndClose } from './tree.ts'

for (const engine of engines) {
	for (const linked of [false, true]) {
		test(`${engine.name}: it is renamed by another over one that is there${linked ? ', and has another name, which stays' : ''}`, async (t) => {
			const made = await tree(t, engine)
			const [a, b] = [await made.start(), await made.start()]
			for (const { fs } of [a, b]) await run(refreshClients(fs))
			await put(b.fs, 'y', 'what was there')
			if (linked) await run(link(b.fs, (await run(lookup(b.fs, ROOT_ID, Buffer.from('y'))))?.id as FileId, at('z')))
			await flushLater(b.fs)
			const { operations } = a.fs.nodes.get(1) as Node
			const { create } = operations
			operations.create = async (...asked) => {
				operations.create = create
				await run(rename(b.fs, at('x'), at('y'), 'replace'))
				await flushLater(b.fs)
				return create(...asked)
			}
			await writeAndClose(a.fs, await openNew(a.fs, 'x'), 'new')
			assert.equal(String(await get(a.fs, 'y')), 'new')
			assert.equal(readFileSync(made.node(1, 'y'), 'latin1'), 'new')
			if (linked) assert.equal(String(await get(a.fs, 'z')), 'what was there')
			assert.deepEqual(readdirSync(made.node(1, '.cairn/conflicts')), [])
			assert.deepEqual(await made.problems(), [])
		})
	}
}
