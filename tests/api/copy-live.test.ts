/** COPY of what others change at that moment: what is taken away meanwhile is not in the copy, what is replaced is in it as it is by then. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { openDoor, type TestDoor } from './door.ts'

const LARGE = Buffer.alloc(16 * 1024 * 1024, 'x')

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
	for (const name of ['file', 'renamed']) assert.equal((await door.fetch(`/files/copy/${name}`)).status, 404)
})

test('a file that is replaced while it is copied', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'live', LARGE)
	const copying = copy(door, 'live', 'copy')
	await hasBegun(door)
	await put(door, 'live', 'by then')
	const answer = await copying
	assert.equal(answer.status, 201, await answer.text())
	assert.equal(await text(door, 'copy'), 'by then')
})

test('a directory that is moved away while it is copied is not taken for one of which all is gone', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'live/a', LARGE)
	await put(door, 'live/b', 'b')
	const copying = copy(door, 'live', 'copy')
	await hasBegun(door)
	assert.equal((await door.fetch('/files/live', { method: 'MOVE', headers: { destination: '/files/elsewhere' } })).status, 201)
	assert.equal((await copying).status, 404)
	assert.equal((await door.fetch('/files/copy')).status, 404)
})
