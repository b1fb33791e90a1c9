/** A reader whose copy fails goes on with another one, while somebody opens the file to write. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { read } from '../../core/filesystem/data.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { FileId } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, sqlite } from '../catalogue/engines.ts'
import { close, makeFile, tree } from './tree.ts'

const READ = { write: false, truncate: false }
const WRITE = { write: true, truncate: false }

/** `x` with a copy on both nodes, open to read; what it is read from fails. */
async function readerInTrouble(t: TestContext, engine: Engine, options: { remote?: boolean } = {}) {
	const { start, node } = await tree(t, engine, { nodes: 2, copies: 2 })
	const { fs } = await start(options)
	const id = await makeFile(fs, 'x', 'old')
	copyFileSync(node(1, 'x'), node(2, 'x'))
	await fs.catalogue.change('UPDATE replica SET state = 1, version = 1 WHERE file_id = ?', [id])
	const reader = await run(open(fs, id, READ))
	reader.node.operations.read = () => fail('EIO')
	const other = fs.nodes.get(3 - reader.node.id) as Node
	other.health.read = { ms: 1_000, measuredMs: performance.now() }
	return { fs, id, reader, here: reader.node.id, node, other }
}

for (const engine of engines) {
	test(`${engine.name}: a reader is on his way to another copy, and somebody opens the one he has to write to it`, async (t) => {
		const { fs, id, reader, here, node, other } = await readerInTrouble(t, engine)
		let writer: OpenFile | undefined
		const real = other.operations.open
		other.operations.open = async (path, flags) => {
			if (!writer) {
				writer = await run(open(fs, id, WRITE))
				await writer.node.operations.write(writer.fd, Buffer.from('new'), 0)
			}
			return real(path, flags)
		}
		await Promise.resolve(run(read(fs, reader, Buffer.alloc(3), 0))).catch(({ code }) => assert.equal(code, 'EIO'))
		other.operations.open = real

		assert.ok(writer)
		await close(fs, writer)
		await run(release(fs, reader, false))
		await flushLater(fs)
		assert.deepEqual(await holders(fs, id), [[here, 2]])
		assert.equal(readFileSync(node(here, 'x'), 'latin1'), 'new')
	})
}

test('a remote node: a reader goes on with another copy while it is looked whether he has the one that is opened to write', async (t) => {
	const { fs, id, reader, here, node, other } = await readerInTrouble(t, sqlite, { remote: true })
	const isAsked = Promise.withResolvers<void>()
	const mayOpen = Promise.withResolvers<void>()
	const { open: realOpen } = other.operations
	other.operations.open = async (path, flags) => {
		isAsked.resolve()
		await mayOpen.promise
		return realOpen(path, flags)
	}
	const reading = Promise.resolve(run(read(fs, reader, Buffer.alloc(3), 0)))
	await isAsked.promise
	const { operations } = reader.node
	const { fstat } = operations
	const { fd } = reader
	operations.fstat = async (which) => {
		const stat = await fstat(which)
		if (which === fd) mayOpen.resolve()
		if (which === fd) await reading
		return stat
	}
	const writer = await run(open(fs, id, WRITE))
	assert.notEqual(reader.node.id, writer.node.id)
	await writer.node.operations.write(writer.fd, Buffer.from('new'), 0)
	await close(fs, writer)
	await run(release(fs, reader, false))
	await flushLater(fs)
	assert.deepEqual(await holders(fs, id), [[here, 2]])
	assert.equal(readFileSync(node(here, 'x'), 'latin1'), 'new')
})

/** Node and version of the copies that are good. */
async function holders(fs: Filesystem, id: FileId): Promise<number[][]> {
	const rows = await fs.catalogue.all('SELECT node_id, version FROM replica WHERE file_id = ? AND state = 1', [id])
	return rows.map(({ node_id, version }) => [node_id as number, version as number])
}
