/** Times are set on a file that is being written, and its node refuses: the caller hears it, and nothing is left for ever. On both engines. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { openNew, tree, writeAndClose } from './tree.ts'

for (const engine of engines) {
	test(`${engine.name}: what the node was to be told is told it, or left to whoever settles`, async (t) => {
		const { start, rows, node } = await tree(t, engine)
		const { fs } = await start()
		const file = await openNew(fs, 'x')
		const { operations } = file.node
		const real = operations.setFileAttributes
		operations.setFileAttributes = () => fail('EIO')
		await assert.rejects(async () => run(setAttributes(fs, file.id, { mode: 0o600, mtime: { s: 1, ns: 0 } })), { code: 'EIO' })
		operations.setFileAttributes = real
		await writeAndClose(fs, file, 'text')
		await flushLater(fs)
		assert.deepEqual(await rows('SELECT op FROM intent'), [])
		assert.equal(statSync(node(1, 'x')).mode & 0o777, 0o600)
	})
}
