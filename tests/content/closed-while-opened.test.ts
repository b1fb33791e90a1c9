/** A file is closed by its last writer while another of the same process is on its way to writing to it. On both engines. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAside, publishAtClose, release } from '../../core/filesystem/publish.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

const WRITE = { write: true, truncate: false }

async function ground(t: TestContext, engine: Engine, nodes = 1) {
	const made = await tree(t, engine, { nodes })
	const { fs } = await made.start()
	const { row: { id } } = await put(fs, 'x', 'old')
	await flushLater(fs)
	const pins = async () => (await made.rows('SELECT node_id FROM writer WHERE file_id = ?', id)).map((row) => Number(row.node_id))
	return { made, fs, id, pins }
}

async function openAndClose(fs: Filesystem, id: number): Promise<void> {
	const file = await run(open(fs, id, WRITE))
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
	await flushLater(fs)
}

/** Once: the node opens a file when `meanwhile` is over. */
function beforeItOpens(fs: Filesystem, meanwhile: () => Promise<unknown>): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations.open
	Object.assign(operations, {
		async open(path: Buffer, flags: number) {
			Object.assign(operations, { open: real })
			await meanwhile()
			return real(path, flags)
		},
	})
}

for (const engine of engines) {
	test(`${engine.name}: the pin stays for the one who opens it`, async (t) => {
		const { made, fs, id, pins } = await ground(t, engine)
		beforeItOpens(fs, () => openAndClose(fs, id))
		const file = await run(open(fs, id, WRITE))
		await flushLater(fs)
		assert.deepEqual(await pins(), [1])
		await run(release(fs, file, true))
		await flushLater(fs)
		assert.deepEqual([await pins(), await made.problems()], [[], []])
	})

	test(`${engine.name}: the one who opens it fails, and leaves no pin`, async (t) => {
		const { fs, id, pins } = await ground(t, engine)
		beforeItOpens(fs, async () => {
			await openAndClose(fs, id)
			assert.deepEqual(await pins(), [1])
			fail('EACCES')
		})
		await assert.rejects(async () => run(open(fs, id, WRITE)), { code: 'EACCES' })
		await flushLater(fs)
		assert.deepEqual([await pins(), fs.opening.size], [[], 0])
	})

	test(`${engine.name}: it fails while another has it open, whose pin stays`, async (t) => {
		const { fs, id, pins } = await ground(t, engine)
		const opened: Array<Awaited<ReturnType<typeof openIt>>> = []
		const openIt = async () => run(open(fs, id, WRITE))
		beforeItOpens(fs, async () => {
			opened.push(await openIt())
			fail('EACCES')
		})
		await assert.rejects(openIt(), { code: 'EACCES' })
		await flushLater(fs)
		assert.deepEqual(await pins(), [1])
		for (const file of opened) await run(release(fs, file, true))
		await flushLater(fs)
		assert.deepEqual(await pins(), [])
	})

	test(`${engine.name}: closed while the regular publish waits for its turn, its number is another's`, async (t) => {
		const { made, fs, id } = await ground(t, engine)
		await put(fs, 'other', 'the content of another file')
		const file = await run(open(fs, id, WRITE))
		const { operations } = file.node
		await operations.write(file.fd, Buffer.from('newer'), 0)
		const { close } = operations
		const number = file.fd
		operations.close = (fd) => {
			Object.assign(operations, { close })
			close(fd)
			assert.equal(operations.open(Buffer.from('other'), 0), number)
		}
		await Promise.all([run(release(fs, file, true)), run(publishAside(fs, file))])
		await flushLater(fs)
		await close(number)
		assert.deepEqual(await made.rows('SELECT size, version FROM file WHERE id = ?', id), [{ size: 5, version: 2 }])
		assert.deepEqual(await made.problems(), [])
	})
}
