/** Paths without a kernel: names as bytes, symlinks inside the tree, never out of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { put, tree } from './tree.ts'

const ATTRIBUTES = { mode: 0o755, uid: 0, gid: 0 }

async function mkdirs(fs: Filesystem, names: readonly string[]): Promise<number> {
	let parent = 1
	for (const name of names) parent = ((await run(lookup(fs, parent, Buffer.from(name)))) ?? (await run(makeDirectory(fs, at(name, parent), ATTRIBUTES)))).id
	return parent
}

for (const engine of engines) {
	test(`${engine.name}: where paths lead`, async (t) => {
		const made = await tree(t, engine)
		const { fs } = await made.start()
		const deep = Array.from({ length: 40 }, (_, level) => `d${level}`)
		const bottom = await mkdirs(fs, deep)
		await mkdirs(fs, ['a', 'b'])
		const a = await mkdirs(fs, ['a'])
		const link = (name: string, target: string, parent = 1) => run(makeSymlink(fs, at(name, parent), Buffer.from(target), { uid: 0, gid: 0 }))
		await link('up', '../../d0/./d1', await mkdirs(fs, ['a', 'b']))
		await link('to-b', 'b/', a)
		await link('out', '../../etc', a)
		await link('absolute', '/etc/passwd')
		await link('loop', 'loop')
		await link('dangling', 'a/nothing')
		await put(fs, 'a/f', 'x')
		await put(fs, Buffer.from([0x61, 0x2f, 0xff, 0xfe]), 'odd')

		const find = async (path: string | Buffer, options = {}) => run(resolve(fs, Buffer.from(path as string), options))
		const really = async (path: string, options = {}) => (await find(path, options)).path.toString()
		const code = (path: string, expected: string) => assert.rejects(find(path), { code: expected }, path)

		assert.equal((await find('')).row?.id, 1)
		assert.equal((await find('//a//b/')).place?.name.toString(), 'b')
		assert.equal((await find(deep.join('/'))).row?.id, bottom)
		assert.equal(await really('a/b/up/d2'), 'd0/d1/d2')
		assert.equal(await really('a/to-b/up'), 'd0/d1')
		assert.equal(await really('a/to-b', { follow: false }), 'a/to-b')
		assert.equal(await really('dangling'), 'a/nothing')
		assert.equal((await find('dangling')).row, undefined)
		assert.equal((await find('dangling', { follow: false })).row?.kind, 10)
		assert.equal((await find(Buffer.from([0x61, 0x2f, 0xff, 0xfe]))).row?.size, 3)
		assert.equal((await find('a/new')).place?.parent, a)
		await code('a/new/er', 'ENOENT')
		await code('nothing/b', 'ENOENT')
		await code('a/f/g', 'ENOTDIR')
		await code('a/f/g/h', 'ENOTDIR')
		await code('a/out', 'EXDEV')
		await code('a/out/passwd', 'EXDEV')
		await code('absolute', 'EXDEV')
		await code('loop', 'ELOOP')
		await code('a/../d0', 'EINVAL')
		await code('./a', 'EINVAL')
		await code('a\0b', 'EINVAL')
		await code('.cairn/node.json', 'EACCES')
		await code(`a/${'n'.repeat(256)}`, 'ENAMETOOLONG')
		await code('n/'.repeat(10_000), 'ENAMETOOLONG')
	})
}
