/** Uploads that go on: after a pause, at another door, after a door was ended in the middle. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'

const CONTENT = randomBytes(1_500_000)
const TUS = { 'tus-resumable': '1.0.0' }
const PART = { ...TUS, 'content-type': 'application/offset+octet-stream' }

const metadata = (path: string) => ({ 'upload-metadata': `path ${Buffer.from(path).toString('base64')},other` })
const begin = (door: TestDoor, path: string, length: number, headers: Record<string, string> = {}) =>
	door.fetch('/uploads', { method: 'POST', headers: { ...TUS, ...metadata(path), 'upload-length': String(length), ...headers } })
const patch = (door: TestDoor, at: string, offset: number, body: Buffer, headers: Record<string, string> = {}) =>
	door.fetch(at, { method: 'PATCH', body: new Uint8Array(body), headers: { ...PART, 'upload-offset': String(offset), ...headers } })
const offsetOf = async (door: TestDoor, at: string) => (await door.fetch(at, { method: 'HEAD', headers: TUS })).headers.get('upload-offset')

function kept(door: TestDoor): string[] {
	const folder = door.node(1, '.cairn/uploads/kept')
	return existsSync(folder) ? readdirSync(folder) : []
}

for (const engine of engines) {
	test(`${engine.name}: an upload in parts`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const options = await door.fetch('/uploads', { method: 'OPTIONS' })
		assert.deepEqual([options.status, options.headers.get('tus-version')], [204, '1.0.0'])
		const begun = await begin(door, 'new/dir/f', CONTENT.length)
		assert.equal(begun.status, 201)
		const at = begun.headers.get('location') as string
		assert.equal(await offsetOf(door, at), '0')
		assert.equal((await patch(door, at, 0, CONTENT.subarray(0, 500_000))).headers.get('upload-offset'), '500000')
		assert.equal((await patch(door, at, 1, CONTENT)).status, 409)
		assert.equal((await patch(door, at, 500_000, randomBytes(2_000_000))).status, 413)
		const checksum = (of: Buffer) => ({ 'upload-checksum': `sha1 ${createHash('sha1').update(of).digest('base64')}` })
		const second = CONTENT.subarray(500_000, 900_000)
		assert.equal((await patch(door, at, 500_000, second, checksum(CONTENT))).status, 460)
		assert.equal((await patch(door, at, 500_000, second, { 'upload-checksum': 'crc32 x' })).status, 400)
		assert.equal((await patch(door, at, 500_000, second, checksum(second))).status, 204)
		assert.equal((await door.fetch('/files/new/dir/f')).status, 404)
		assert.equal(await offsetOf(door, at), '900000')
		assert.equal((await patch(door, at, 900_000, CONTENT.subarray(900_000))).status, 204)
		assert.deepEqual(readFileSync(door.node(1, 'new/dir/f')), CONTENT)
		assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).status, 404)
		assert.deepEqual(kept(door), [])

		assert.equal((await begin(door, 'whole', 5, { 'content-type': PART['content-type'] })).status, 201, 'without a body it waits for one')
		const empty = await begin(door, 'empty', 0)
		assert.deepEqual([empty.status, (await door.fetch('/files/empty')).status], [201, 200])
	})

	test(`${engine.name}: what is given up is gone, and what is wrong is refused`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const at = (await begin(door, 'f', 10)).headers.get('location') as string
		assert.equal((await door.fetch(at, { method: 'DELETE', headers: TUS })).status, 204)
		assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).status, 404)
		assert.deepEqual(kept(door), [])
		const late = (await begin(door, 'f', 10)).headers.get('location') as string
		await door.driver.change('UPDATE upload SET expires_at = 1')
		assert.equal((await door.fetch(late, { method: 'HEAD', headers: TUS })).status, 410)
		for (const [headers, status] of [
			[{ ...TUS, ...metadata('f') }, 400],
			[{ ...TUS, 'upload-length': '5' }, 400],
			[{ ...metadata('f'), 'upload-length': '5' }, 412],
			[{ ...TUS, ...metadata('../f'), 'upload-length': '5' }, 400],
			[{ ...TUS, ...metadata('.cairn/f'), 'upload-length': '5' }, 403],
			[{ ...TUS, ...metadata('f'), 'upload-length': '-5' }, 400],
		] as Array<[Record<string, string>, number]>) assert.equal((await door.fetch('/uploads', { method: 'POST', headers })).status, status, JSON.stringify(headers))
		assert.equal((await door.fetch('/files/f')).status, 404)
	})
}
