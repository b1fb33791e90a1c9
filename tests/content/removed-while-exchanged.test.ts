/** A directory is removed with all that is in it, and another gives names in it to something of another kind meanwhile: that goes too. On both engines. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { removeTree } from '../../api/tree/remove-tree.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { beforeAnswer } from './meanwhile.ts'
import { OWNER, put, tree } from './tree.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }

for (const engine of engines) {
	test(`${engine.name}: a file and a directory change places`, async (t) => {
		const { start, node, problems, rows } = await tree(t, engine)
		const [{ fs, reports }, { fs: other }] = [await start(), await start()]
		const { id } = await run(makeDirectory(fs, at('d'), DIRECTORY))
		await run(makeDirectory(fs, at('directory', id), DIRECTORY))
		await put(fs, 'd/file', 'text')
		await flushLater(fs)
		await run(catchUp(other))
		beforeAnswer(fs, 'SELECT e.name, f.id, f.kind FROM entry', async () => {
			await run(rename(other, at('file', id), at('directory', id), 'exchange'))
			await flushLater(other)
		})
		await removeTree(fs, at('d'), { id, kind: KIND.directory })
		assert.deepEqual([await rows('SELECT name FROM entry'), readdirSync(node(1))], [[], ['.cairn']])
		assert.deepEqual([await problems(), reports], [[], []])
	})
}
