/** Whose a path on a node is by right, while the node has yet to be told what was decided. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { ANYBODY, whoseByRight } from '../../core/filesystem/by-right.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { at, installation, now, setUp, writeFile } from './installation.ts'

const DIRECTORY = { mode: 0o755, uid: 0, gid: 0 }

test('what stands below one that is to be renamed, or exchanged with another, is whose it is afterwards', async (t) => {
	const { fs } = await (await installation(t)).start()
	const [a, b, c] = ['a', 'b', 'c'].map((name) => now(makeDirectory(fs, at(name), DIRECTORY)).id)
	const [x, y, z] = [writeFile(fs, 'x', 'x', a), writeFile(fs, 'y', 'y', b), writeFile(fs, 'z', 'z', c)]
	await flushLater(fs)
	setUp(fs, 1, false)
	now(rename(fs, at('a'), at('b'), 'exchange'))
	now(rename(fs, at('c'), at('d'), 'replace'))
	await flushLater(fs)
	const whose = (path: string) => now(whoseByRight(fs, 1, Buffer.from(path)))
	assert.deepEqual(['a/x', 'b/y', 'c/z', 'a/y', 'd/z'].map(whose), [x, y, z, undefined, ANYBODY])
})
