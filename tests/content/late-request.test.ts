/** While a request waits for the catalogue the next one is read into the same memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAskedAgain } from '../../client/asked-again.ts'
import type { Door } from '../../client/door.ts'
import { IN_HEADER_BYTES } from '../../client/fuse/protocol.ts'
import { decodeRequest } from '../../client/fuse/request.ts'
import { listxattr } from '../../client/operations/attributes.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import { run } from '../../core/op.ts'
import { mariadb } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

const ROOM = 256
const NAME = Buffer.from('user.a')

test('names of attributes are listed into the room that was asked for', async (t) => {
	const { fs } = await (await tree(t, mariadb)).start()
	const { id } = (await put(fs, 'x', 'content')).row
	await run(setXattr(fs, id, NAME, Buffer.from('1'), { create: false, replace: false }))
	const bytes = Buffer.alloc(IN_HEADER_BYTES + 8)
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
	view.setUint32(0, bytes.length, true)
	view.setUint32(16, id, true)
	view.setUint32(IN_HEADER_BYTES, ROOM, true)
	const listed = run(listxattr({ fs, askedAgain: createAskedAgain(fs, () => false) } as Door)(decodeRequest(bytes, view)))
	bytes.fill(0)
	const reply = await listed
	assert.ok(typeof reply === 'function')
	const out = Buffer.alloc(ROOM)
	const length = reply({ bytes: out, view: new DataView(out.buffer, out.byteOffset, out.length), at: 0 })
	assert.equal(out.toString('latin1', 0, length), 'user.a\0')
})
