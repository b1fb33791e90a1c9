/** One file that is open for writing twice, and closed by both at a time: its descriptor is closed once, when nobody needs it any more. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAside, release, retryAbandoned } from '../../core/filesystem/publish.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { openNew, type Tree, tree } from './tree.ts'

const WRITE = { write: true, truncate: false }

interface Watched extends Tree {
	fs: Filesystem
	file: OpenFile
	/** What was asked of the node about descriptors. */
	calls: string[]
}

/** On a remote node, where others have a turn with every call. */
async function watched(t: TestContext, engine: Engine): Promise<Watched> {
	const made = await tree(t, engine)
	const { fs } = await made.start({ remote: true })
	const { operations, ready } = fs.nodes.get(1) as Node
	await ready
	const file = await openNew(fs, 'x')
	const calls: string[] = []
	const { fstat, close } = operations
	Object.assign(operations, {
		fstat: (fd: number) => (calls.push(`fstat ${fd}`), fstat(fd)),
		close: (fd: number) => (calls.push(`close ${fd}`), close(fd)),
	})
	return { ...made, fs, file, calls }
}

async function write({ node, fd }: OpenFile, text: string): Promise<void> {
	await node.operations.write(fd, Buffer.from(text), 0)
}

/** The catalogue takes no version of what was written. */
async function closeInVain({ fs, file }: Watched, text: string): Promise<void> {
	await write(file, text)
	const { transaction } = fs.catalogue
	fs.catalogue.transaction = () => assert.fail('not now')
	await assert.rejects(async () => run(release(fs, file, true)), /not now/)
	fs.catalogue.transaction = transaction
}

async function isPublishedAndClosedOnce({ fs, file, calls, rows, node, problems }: Watched, text: string): Promise<void> {
	await flushLater(fs)
	assert.equal(readFileSync(node(1, 'x'), 'latin1'), text)
	assert.deepEqual(await rows('SELECT size FROM file WHERE id = ?', file.id), [{ size: text.length }])
	assert.deepEqual(await rows('SELECT * FROM writer'), [])
	assert.deepEqual([calls.filter((call) => call.startsWith('close')), calls.at(-1)], [[`close ${file.fd}`], `close ${file.fd}`])
	assert.deepEqual([fs.open.size, await problems()], [0, []])
}

for (const engine of engines) {
	test(`${engine.name}: both may write`, async (t) => {
		const at = await watched(t, engine)
		assert.equal(await run(open(at.fs, at.file.id, WRITE)), at.file)
		await write(at.file, 'text')
		await Promise.all([run(release(at.fs, at.file, true)), run(release(at.fs, at.file, true))])
		await isPublishedAndClosedOnce(at, 'text')
	})

	test(`${engine.name}: a round that publishes what is open comes by`, async (t) => {
		const at = await watched(t, engine)
		await write(at.file, 'text')
		await Promise.all([run(release(at.fs, at.file, true)), run(publishAside(at.fs, at.file))])
		await isPublishedAndClosedOnce(at, 'text')
	})

	test(`${engine.name}: what could not be published at a close before is tried again, and somebody who has opened it since closes it`, async (t) => {
		const at = await watched(t, engine)
		const { fs, file } = at
		await closeInVain(at, 'text')
		assert.equal(await run(open(fs, file.id, WRITE)), file)
		await Promise.all([run(retryAbandoned(fs, file)), run(release(fs, file, true))])
		await isPublishedAndClosedOnce(at, 'text')
	})

	test(`${engine.name}: closed by who opened it after a close that could not publish: it is tried again all the same`, async (t) => {
		const at = await watched(t, engine)
		const { fs, file } = at
		await closeInVain(at, 'text')
		await run(open(fs, file.id, WRITE))
		await run(release(fs, file, true))
		assert.equal(fs.open.get(file.id), file)
		await run(retryAbandoned(fs, file))
		await isPublishedAndClosedOnce(at, 'text')
	})

	test(`${engine.name}: one of its descriptors cannot be closed: the others are`, async (t) => {
		const at = await watched(t, engine)
		const { fs, file } = at
		await write(file, 'text')
		const gone = { operations: { close: () => fail('ENOTCONN') } } as never
		file.retired.push({ node: gone, fd: 0 })
		await assert.rejects(async () => run(release(fs, file, true)), { code: 'ENOTCONN' })
		await isPublishedAndClosedOnce(at, 'text')
	})
}
