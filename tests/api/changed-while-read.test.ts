/** A file that is written in place, or emptied, by a process beside the door while the door is reading it. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { write } from '../../core/filesystem/data.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { locate } from '../../core/filesystem/resolve.ts'
import { beginFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'

/** More than the connection of one who does not read takes. */
const BYTES = 16 * 1024 * 1024
const old = Buffer.alloc(BYTES, 'o')
const PATH = Buffer.from('large')

async function beside(t: TestContext, { config }: TestDoor): Promise<Filesystem> {
	const catalogue = await openCatalogue(config)
	const fs = await beginFilesystem({ config, catalogue, what: 'test', report: () => undefined })
	t.after(async () => {
		await stopFilesystem(fs)
		await catalogue.close()
	})
	return fs
}

const idOf = async (fs: Filesystem) => (await run(locate(fs, PATH))).row.id

async function writeAt(fs: Filesystem, position: number, text: string, { truncate = false, closed = true } = {}): Promise<void> {
	const file = await run(open(fs, await idOf(fs), { write: true, truncate }))
	await run(write(fs, file, Buffer.from(text), position, true))
	if (!closed) return
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
	await flushLater(fs)
}

const CHANGES: Array<{ what: string; isWhole: boolean; change: (fs: Filesystem) => Promise<unknown> }> = [
	{ what: 'nothing', isWhole: true, change: async () => undefined },
	{ what: 'its end, still open', isWhole: false, change: (fs) => writeAt(fs, BYTES - 9, 'new', { closed: false }) },
	{ what: 'its end', isWhole: false, change: (fs) => writeAt(fs, BYTES - 9, 'new') },
	{ what: 'all of it, longer', isWhole: false, change: (fs) => writeAt(fs, 0, 'n'.repeat(BYTES + 9), { truncate: true }) },
	{ what: 'what follows its end', isWhole: true, change: (fs) => writeAt(fs, BYTES, 'more') },
	{ what: 'its time', isWhole: true, change: async (fs) => run(setAttributes(fs, await idOf(fs), { mtime: { s: 1_000_000_000, ns: 0 } })) },
]

for (const engine of engines) {
	test(`${engine.name}: who is promised a content gets that, or not all of it`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const fs = await beside(t, door)
		const token = await door.token('read')
		const { hostname, port } = new URL(door.url)
		for (const { what, isWhole, change } of CHANGES) {
			await door.fetch('/files/large', { method: 'PUT', body: old })
			const socket = connect(Number(port), hostname)
			t.after(() => socket.destroy())
			socket.on('error', () => undefined).write(`GET /files/large HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`)
			await once(socket, 'readable')
			await change(fs)
			const chunks: Buffer[] = []
			socket.on('data', (chunk) => chunks.push(chunk))
			await once(socket, 'close')
			const got = Buffer.concat(chunks)
			const end = got.indexOf('\r\n\r\n')
			const head = got.toString('latin1', 0, end)
			const body = got.subarray(end + 4)
			assert.match(head, new RegExp(`etag: "${hash('sha256', old)}"`), what)
			assert.equal(body.length === BYTES, isWhole, `${what}: ${body.length}`)
			if (isWhole) assert.ok(body.equals(old), what)
		}
	})
}

test('what is emptied and written anew all the time is read as it is at some moment', async (t) => {
	const door = await openDoor(t, { nodes: 1, config: { nodes: { node1: { remote: true } } } })
	const fs = await beside(t, door)
	await door.fetch('/files/large', { method: 'PUT', body: 'x'.repeat(2_000) })
	let isOver = false
	const writing = (async () => {
		for (let bytes = 1_000; !isOver; bytes = 1_000 + ((bytes + 137) % 1_000)) await writeAt(fs, 0, 'x'.repeat(bytes), { truncate: true })
	})()
	const statuses: number[] = []
	for (let time = 0; time < 100; time++) {
		const answer = await door.fetch('/files/large')
		await answer.arrayBuffer()
		statuses.push(answer.status)
	}
	isOver = true
	await writing
	assert.deepEqual([...new Set(statuses)], [200])
})

test('what is replaced all the time is read as it is at some moment', async (t) => {
	const door = await openDoor(t, { nodes: 2 })
	const put = () => door.fetch('/files/large', { method: 'PUT', body: 'x'.repeat(3_000) })
	await put()
	let isOver = false
	const replacing = Array.from({ length: 8 }, async () => {
		while (!isOver) await put()
	})
	const statuses = await Promise.all(Array.from({ length: 4 }, async () => {
		const seen: number[] = []
		for (let time = 0; time < 12; time++) {
			const answer = await door.fetch('/dav/large')
			await answer.arrayBuffer()
			seen.push(answer.status)
		}
		return seen
	}))
	isOver = true
	await Promise.all(replacing)
	assert.deepEqual([...new Set(statuses.flat())], [200])
})
