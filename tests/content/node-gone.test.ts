/** A node that is removed, or declared dead, while a process that has not heard of it is about to put something there. On both engines. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { removeNode } from '../../cli/node-remove.ts'
import * as nodes from '../../core/catalogue/nodes.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater, transact } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { keepUpload } from '../../core/filesystem/kept-upload.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { beginUpload, finishUpload, writeUpload } from '../../core/filesystem/upload.ts'
import type { NodeRow } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, intakeOf, openNew, OWNER, put, tree, writeAndClose } from './tree.ts'

/** A process that hears of nothing: it made names in the root a moment ago, all of them on the first node, and took them back. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine, { nodes: 2 })
	const [{ fs }, keeper] = [await made.start(), await made.start()]
	await writeAndClose(fs, await openNew(fs, 'before'), 'text')
	assert.ok(existsSync(made.node(1, 'before')))
	await run(unlink(fs, at('before')))
	await flushLater(fs)
	return { ...made, fs, keeper: keeper.fs, remove: () => removeNode(keeper.fs.catalogue, 'node1') }
}

async function declareDead(fs: Filesystem): Promise<void> {
	const row = (await nodes.findByName(fs.catalogue, 'node1')) as NodeRow
	const body = function* (tx: Parameters<typeof nodes.keepOthersOff>[0]) {
		yield* nodes.keepOthersOff(tx, fs.capabilities)
		nodes.update(tx, row.id, { ...row, state: 'dead' }, fs.capabilities)
	}
	await transact(fs, body, { hold: 'nothing' })
}

for (const engine of engines) {
	for (const how of ['removed', 'declared dead']) {
		test(`${engine.name}: new names come to no node that was ${how}`, async (t) => {
			const made = await ground(t, engine)
			await (how === 'removed' ? made.remove() : declareDead(made.keeper))
			await writeAndClose(made.fs, await openNew(made.fs, 'file'), 'text')
			await run(makeSymlink(made.fs, at('link'), Buffer.from('file'), OWNER))
			await put(made.fs, 'put', 'more')
			for (const name of ['file', 'link', 'put']) assert.ok(lstatSync(made.node(2, name)) && !existsSync(made.node(1, name)), name)
			assert.equal((await get(made.keeper, 'link')).toString(), 'text')
			assert.equal((await get(made.keeper, 'put')).toString(), 'more')
			assert.deepEqual(await made.problems(), [])
		})
	}

	for (const hears of [false, true]) {
		test(`${engine.name}: what is being uploaded to a node that is removed becomes no file${hears ? ', once that is known' : ''}`, async (t) => {
			const { fs, remove, problems } = await ground(t, engine)
			const upload = await run(beginUpload(fs, await intakeOf(fs, 'new')))
			await run(writeUpload(fs, upload, [Buffer.from('text')]))
			await remove()
			if (hears) await run(catchUp(fs))
			await assert.rejects(async () => await run(finishUpload(fs, upload)))
			assert.deepEqual(await problems(), [])
		})
	}

	test(`${engine.name}: a node with an upload that may go on is not removed, and none begins where one was`, async (t) => {
		const { fs, keeper, remove } = await ground(t, engine)
		const asked = { ...(await intakeOf(fs, 'new')), length: 4, metadata: '', holder: '', seconds: 3_600 }
		const row = await run(keepUpload(fs, asked))
		await assert.rejects(remove, /node node1 has 1 unfinished upload: .* in (60 min|1 h) at most/)
		await keeper.catalogue.change('DELETE FROM upload WHERE id = ?', [row.id])
		await remove()
		await assert.rejects(async () => await run(keepUpload(fs, asked)), { code: 'EIO' })
	})
}
