/** The node's disk refuses what an upload in parts has brought: what it was to replace stays, and it is brought anew. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type FailingDisk, mountFailingDisk } from '../failure/failing-disk.ts'
import { openDoor } from './door.ts'

const CONTENT = randomBytes(300_000)
const TUS = { 'tus-resumable': '1.0.0' }

test('what the disk has refused of an upload is not taken for whole the next time', async (t) => {
	let disk: FailingDisk | undefined
	t.after(() => disk?.end())
	const door = await openDoor(t, {
		nodes: 1,
		mount(path) {
			disk = mountFailingDisk(path)
		},
	})
	assert.equal((await door.fetch('/files/f', { method: 'PUT', body: 'old' })).status, 201)
	const metadata = `path ${Buffer.from('f').toString('base64')}`
	const begun = await door.fetch('/uploads', { method: 'POST', headers: { ...TUS, 'upload-metadata': metadata, 'upload-length': `${CONTENT.length}` } })
	const at = begun.headers.get('location') as string
	const patch = async (offset: number, body: Buffer) =>
		(await door.fetch(at, { method: 'PATCH', body: new Uint8Array(body), headers: { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': `${offset}` } })).status
	disk?.fail()
	assert.ok((await patch(0, CONTENT)) >= 500)
	assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).headers.get('upload-offset'), '0')
	assert.equal(await patch(CONTENT.length, Buffer.alloc(0)), 409)
	assert.equal(await (await door.fetch('/files/f')).text(), 'old')
})
