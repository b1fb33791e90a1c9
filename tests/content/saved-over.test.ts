/** A name that another client saves over, again and again. A kernel that is told ESTALE asks by name once more, and gives up then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAskedAgain } from '../../client/asked-again.ts'
import { read } from '../../core/filesystem/data.ts'
import { flushLater, type Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { FileId } from '../../core/ids.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { until } from '../support/until.ts'
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

		test(`${engine.name}: what it leads to is saved over once more, after the caller has asked again${write ? ', to write' : ''}: he has what he found`, async (t) => {
			const made = await tree(t, engine)
			const [a, b] = [await made.start(), await made.start()]
			const [request, caller, again] = [{ write, truncate: false }, 7, createAskedAgain(a.fs, () => false)]
			const find = () => run(again.lookUp(caller, () => lookup(a.fs, ROOT_ID, Buffer.from('x'))))
			await save(b.fs, 'first')
			await run(catchUp(a.fs))
			const first = await idOf(a.fs)
			await save(b.fs, 'second')
			await assert.rejects(async () => run(again.open(caller, first, request)), { code: 'ESTALE' })
			await find()
			await save(b.fs, 'third')
			const id = (await find())?.id as FileId
			await save(b.fs, 'fourth')
			const file = await run(again.open(caller, id, request))
			const buffer = Buffer.alloc(100)
			assert.equal(buffer.toString('latin1', 0, await run(read(a.fs, file, buffer, 0))), 'third')
			await run(release(a.fs, file, write))
			await until('nothing stays open', () => a.fs.open.size === 0 || undefined)
			assert.deepEqual(await made.problems(), [])
		})
	}
	for (const write of [false, true]) {
		test(`${engine.name}: what is gone and open here is opened by who asks for it twice, by a descriptor, and by no name${write ? ', to write' : ''}`, async (t) => {
			const made = await tree(t, engine)
			const [a, b] = [await made.start(), await made.start()]
			const [request, again] = [{ write, truncate: false }, createAskedAgain(a.fs, () => false)]
			await save(b.fs, 'first')
			await run(catchUp(a.fs))
			const gone = await idOf(a.fs)
			const holder = await run(open(a.fs, gone, request))
			await save(b.fs, 'second')
			await run(catchUp(a.fs))
			await assert.rejects(async () => run(again.open(7, gone, request)), { code: 'ESTALE' })
			const byDescriptor = await run(again.open(7, gone, request))
			await assert.rejects(async () => run(again.open(8, gone, request)), { code: 'ESTALE' })
			await run(again.lookUp(8, () => lookup(a.fs, ROOT_ID, Buffer.from('x'))))
			const byName = await run(again.open(8, await idOf(a.fs), request))
			assert.notEqual(byName, holder)
			assert.equal(byDescriptor, holder)
			for (const file of [holder, byName, byDescriptor]) await run(release(a.fs, file, write))
			await until('nothing stays open', () => a.fs.open.size === 0 || undefined)
			assert.deepEqual(await made.problems(), [])
		})
	}
	test(`${engine.name}: an older version that is open lives on when the newer was closed and the name went: it has attributes, and is opened by its descriptor`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start(), await made.start()]
		const [request, again] = [{ write: false, truncate: false }, createAskedAgain(a.fs, () => false)]
		await save(b.fs, 'first')
		await run(catchUp(a.fs))
		const id = await idOf(a.fs)
		const older = await run(open(a.fs, id, request))
		await writeAndClose(b.fs, await run(open(b.fs, id, { write: true, truncate: false })), 'more')
		const newer = await run(open(a.fs, id, request))
		assert.notEqual(newer, older)
		await run(release(a.fs, newer, false))
		await run(unlink(b.fs, at('x')))
		await flushLater(b.fs)
		await run(catchUp(a.fs))
		assert.equal((await run(getAttributes(a.fs, id))).nlink, 0)
		await assert.rejects(async () => run(again.open(7, id, request)), { code: 'ESTALE' })
		assert.equal(await run(again.open(7, id, request)), older)
		for (let handles = 2; handles > 0; handles--) await run(release(a.fs, older, false))
		assert.equal(a.fs.open.size, 0)
	})
	test(`${engine.name}: what has another name, or the other's of two that were exchanged, is not opened by the name it had`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start(), await made.start()]
		await save(b.fs, 'first')
		await writeAndClose(b.fs, await openNew(b.fs, 'y'), 'other')
		await run(catchUp(a.fs))
		const ids = { x: await idOf(a.fs), y: (await run(lookup(a.fs, ROOT_ID, Buffer.from('y'))))?.id as FileId }
		await run(link(b.fs, ids.x, at('z')))
		await save(b.fs, 'second')
		await assert.rejects(async () => run(open(a.fs, ids.x, { write: false, truncate: false })), { code: 'ESTALE' })
		await run(rename(b.fs, at('x'), at('y'), 'exchange'))
		await flushLater(b.fs)
		await assert.rejects(async () => run(open(a.fs, ids.y, { write: false, truncate: false })), { code: 'ESTALE' })
	})

	test(`${engine.name}: what is gone and open to read is not refused as forbidden to who opens it to write: he is sent back to the name`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start(), await made.start()]
		await save(b.fs, 'first')
		await run(catchUp(a.fs))
		const id = await idOf(a.fs)
		const file = await run(open(a.fs, id, { write: false, truncate: false }))
		await run(unlink(b.fs, at('x')))
		await run(catchUp(a.fs))
		await assert.rejects(async () => run(open(a.fs, id, { write: true, truncate: false })), { code: 'ESTALE' })
		await run(release(a.fs, file, false))
	})
}
