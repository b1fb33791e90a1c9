/** A name that another client saves over, again and again: whoever opens it is sent back to the name once, which is all that a kernel does for him. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushLater, type Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { FileId } from '../../core/ids.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { openNew, tree, writeAndClose } from './tree.ts'

async function save(fs: Filesystem, text: string): Promise<void> {
	await writeAndClose(fs, await openNew(fs, 'x.new'), text)
	await run(rename(fs, at('x.new'), at('x'), 'replace'))
	await flushLater(fs)
}

async function idOf(fs: Filesystem): Promise<FileId> {
	return (await run(lookup(fs, ROOT_ID, Buffer.from('x'))))?.id as FileId
}

for (const engine of engines) {
	for (const write of [false, true]) {
		test(`${engine.name}: what a name leads to that was saved over is opened the second time${write ? ', to write' : ''}`, async (t) => {
			const made = await tree(t, engine)
			const [a, b] = [await made.start(), await made.start()]
			const request = { write, truncate: false }
			await save(b.fs, 'first')
			await run(catchUp(a.fs))
			const before = await idOf(a.fs)
			await save(b.fs, 'second')
			await assert.rejects(async () => run(open(a.fs, before, request)), { code: 'ESTALE' })
			const id = await idOf(a.fs)
			assert.notEqual(id, before)
			await run(release(a.fs, await run(open(a.fs, id, request)), write))
		})
	}
}
