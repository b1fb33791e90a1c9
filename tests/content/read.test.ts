/** Reading without a kernel: a node that fails in the middle, a file that is replaced or cut meanwhile, a reader that stops. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { write } from '../../core/filesystem/data.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { closeContent, openContent, openLocated, readPart, readRange } from '../../core/filesystem/read-content.ts'
import { locate } from '../../core/filesystem/resolve.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines, sqlite } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

const LARGE = randomBytes(5_000_000)
const PATH = Buffer.from('f')

for (const engine of engines) {
	test(`${engine.name}: a read goes on with another copy at the same place`, async (t) => {
		const made = await tree(t, engine, { nodes: 2, copies: 2 })
		const { fs } = await made.start({ remote: true })
		const { row } = await put(fs, 'f', LARGE)
		copyFileSync(made.node(1, 'f'), made.node(2, 'f'))
		await fs.catalogue.change('UPDATE replica SET state = 1, version = 1 WHERE file_id = ?', [row.id])
		const content = await run(openContent(fs, PATH))
		const chunks: Buffer[] = []
		for await (const chunk of readRange(fs, content, 1_000, LARGE.length - 1_000)) {
			chunks.push(chunk)
			if (chunks.length > 1) continue
			content.file.node.operations.read = () => fail('ETIMEDOUT')
		}
		assert.deepEqual(Buffer.concat(chunks), LARGE.subarray(1_000, LARGE.length - 1_000))
		await run(closeContent(fs, content))
		assert.equal(fs.open.size, 0)
	})
}

for (const engine of engines) {
	test(`${engine.name}: what somebody has begun to write since it was looked up is looked up again`, async (t) => {
		const made = await tree(t, engine)
		const [{ fs }, { fs: other }] = [await made.start(), await made.start()]
		const { row } = await put(fs, 'f', 'old')
		const located = await run(locate(fs, PATH))
		const writing = await run(open(other, row.id, { write: true, truncate: false }))
		await run(write(other, writing, Buffer.from('new'), 0, true))
		assert.equal(await run(openLocated(fs, located)), undefined)
		const content = await run(openContent(fs, PATH))
		assert.equal(content.located.row.written, 1, 'and nobody says for certain what it is')
		await run(closeContent(fs, content))
		await run(release(other, writing, true))
	})
}

test('what is open stays what it was; what is shorter than it was is an error', async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start()
	await put(fs, 'f', LARGE)
	const content = await run(openContent(fs, PATH))
	await put(fs, 'f', 'short')
	assert.deepEqual(await run(readPart(fs, content, LARGE.length - 10, 100)), LARGE.subarray(-10))
	await run(closeContent(fs, content))

	const again = await run(openContent(fs, PATH))
	truncateSync(made.node(1, 'f'), 0)
	await assert.rejects(async () => {
		for await (const _ of readRange(fs, again, 0, again.size));
	}, { code: 'EIO' })
	await run(closeContent(fs, again))
})

test('a reader that stops leaves no read behind on its descriptor', async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start()
	await put(fs, 'f', LARGE)
	const content = await run(openContent(fs, PATH))
	const node = fs.nodes.get(1) as Node
	for await (const chunk of readRange(fs, content, 0, content.size)) {
		assert.ok(chunk.length > 0)
		break
	}
	await run(closeContent(fs, content))
	assert.equal(fs.open.size, 0)
	assert.equal(node.health.failures, 0)
})
