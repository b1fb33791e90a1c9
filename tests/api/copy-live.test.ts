/** COPY of what others change at that moment: what is taken away meanwhile is not in the copy, what is replaced is in it as it is by then. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { FileId } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { openDoor, type TestDoor } from './door.ts'

const LARGE = Buffer.alloc(8 * 1024 * 1024, 'x')

const put = async (door: TestDoor, path: string, body: string | Buffer) => assert.ok((await door.fetch(`/files/${path}`, { method: 'PUT', body: new Uint8Array(Buffer.from(body)) })).ok)
const copy = (door: TestDoor, from: string, to: string) => door.fetch(`/files/${from}`, { method: 'COPY', headers: { destination: `/files/${to}` } })
const text = async (door: TestDoor, path: string) => (await door.fetch(`/files/${path}`)).text()

/** Content is on its way to a name that it does not have yet. */
async function hasBegun(door: TestDoor): Promise<void> {
	const uploads = door.node(1, '.cairn/uploads')
	const some = () => existsSync(uploads) && readdirSync(uploads, { recursive: true, withFileTypes: true }).some((each) => each.isFile() && statSync(join(each.parentPath, each.name), { throwIfNoEntry: false })?.size)
	while (!some()) await othersFirst()
}

test('what is taken out of a directory while that is copied', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'live/a', LARGE)
	for (const name of ['directory/in', 'file', 'kept', 'renamed']) await put(door, `live/${name}`, name)
	const copying = copy(door, 'live', 'copy')
	await hasBegun(door)
	for (const name of ['directory', 'file']) assert.equal((await door.fetch(`/files/live/${name}?recursive`, { method: 'DELETE' })).status, 204)
	assert.equal((await door.fetch('/files/live/renamed', { method: 'MOVE', headers: { destination: '/files/elsewhere' } })).status, 201)
	const answer = await copying
	assert.equal(answer.status, 201, await answer.text())
	assert.equal((await text(door, 'copy/a')).length, LARGE.length)
	assert.equal(await text(door, 'copy/kept'), 'kept')
})

test('a file that is replaced while it is copied', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'live', LARGE)
	const copying = copy(door, 'live', 'copy')
	await hasBegun(door)
	await put(door, 'live', 'by then')
	const answer = await copying
	assert.equal(answer.status, 201, await answer.text())
	// Or what it was, where the copy was the quicker one.
	assert.ok([String(LARGE), 'by then'].includes(await text(door, 'copy')))
})

test('a file that a mount writes over while it is copied', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'live', LARGE)
	const catalogue = await openCatalogue(door.config)
	const mount = await run(startFilesystem({ config: door.config, catalogue, what: 'test', report: () => undefined }))
	const [{ id }] = await door.driver.all<{ id: FileId }>("SELECT file_id AS id FROM entry WHERE name = X'6c697665'")
	const copying = copy(door, 'live', 'copy')
	await hasBegun(door)
	const file = await run(open(mount, id, { write: true, truncate: false }))
	await file.node.operations.write(file.fd, Buffer.alloc(LARGE.length, 'y'), 0)
	await run(publishAtClose(mount, file))
	await run(release(mount, file, true))
	await stopFilesystem(mount)
	await catalogue.close()
	assert.equal((await copying).status, 201)
	assert.equal(new Set(await text(door, 'copy')).size, 1)
})

for (const { what, path, below = '' } of [{ what: 'a directory', path: 'live' }, { what: 'one below it', path: 'live/sub', below: '/sub' }]) {
	test(`${what} that gives way to another while it is copied: its copy is no part of it`, async (t) => {
		const door = await openDoor(t, { nodes: 1 })
		for (const place of [path, 'other']) {
			await put(door, `${place}/a`, LARGE)
			await put(door, `${place}/b`, 'b')
		}
		const copying = copy(door, 'live', 'copy')
		await hasBegun(door)
		assert.equal((await door.fetch('/files/other', { method: 'MOVE', headers: { destination: `/files/${path}` } })).status, 204)
		const { status } = await copying
		// Or all of what it was, where the copy was the quicker one.
		assert.ok([201, 409].includes(status), String(status))
		for (const name of ['a', 'b']) assert.equal((await door.fetch(`/files/copy${below}/${name}`)).status, status === 201 ? 200 : 404)
	})
}

const ENDS: Array<{ what: string; end: (door: TestDoor) => Promise<Response>; status: number }> = [
	{ what: 'emptied and removed', end: (door) => door.fetch('/files/live?recursive', { method: 'DELETE' }), status: 204 },
	{ what: 'moved away', end: (door) => door.fetch('/files/live', { method: 'MOVE', headers: { destination: '/files/elsewhere' } }), status: 201 },
]

for (const { what, end, status: ended } of ENDS) {
	test(`a directory that is ${what} while it is copied: a copy is whole, or there is none`, async (t) => {
		const door = await openDoor(t, { nodes: 1 })
		await put(door, 'live/a', LARGE)
		await put(door, 'live/b', 'b')
		const copying = copy(door, 'live', 'copy')
		await hasBegun(door)
		assert.equal((await end(door)).status, ended)
		const { status } = await copying
		assert.ok([201, 404, 409].includes(status), String(status))
		assert.equal((await door.fetch('/files/copy/b')).status, status === 201 ? 200 : 404)
	})
}
