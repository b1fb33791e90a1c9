/** Addresses and keys that are good for a while: what was begun in that time may end after it, and nothing is begun then. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signJwt } from '../../api/objects/jwt.ts'
import { signedTarget, signingKey } from '../../core/access/signed-url.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor } from './door.ts'
import { begin, type Sent } from './half-sent.ts'

const SECONDS = 60
const OBJECT_KEY = 'a key for objects'
const CONTENT = 'the first half and the second half'
const FORM = `--b\r\ncontent-disposition: form-data; name="upload_file"; filename="form"\r\n\r\n${CONTENT}\r\n--b--\r\n`
const FORM_TYPE = { 'content-type': 'multipart/form-data; boundary=b' }

for (const engine of engines) {
	test(`${engine.name}: an upload that was begun in time may end later`, async (t) => {
		const folder = mkdtempSync(join(tmpdir(), 'cairn-expiry-'))
		t.after(() => rmSync(folder, { recursive: true, force: true }))
		const objectKeyFile = join(folder, 'key')
		writeFileSync(objectKeyFile, OBJECT_KEY, { mode: 0o600 })
		const door = await openDoor(t, { engine, nodes: 1, api: { objectKeyFile } })
		const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
		const key = await run(signingKey(door.driver))
		const expires = Math.floor(Date.now() / 1000) + SECONDS
		const signed = (method: string, target: string, rest: Partial<Sent> = {}): Sent => ({ method, target: signedTarget(key, { method, target, expires }), body: CONTENT, ...rest })
		const uploads = [
			signed('PUT', '/files/put'),
			signed('PUT', '/dav/dav'),
			signed('PUT', '/file?path=sfss'),
			signed('POST', '/files?path=form', { body: FORM, headers: FORM_TYPE }),
			{ method: 'PUT', target: `/${fid}?jwt=${signJwt(OBJECT_KEY, { fid, exp: expires })}`, body: CONTENT },
		]
		const begun = uploads.map((upload) => begin(door, { ...upload, headers: { ...upload.headers, expect: '100-continue' } }))
		for (const one of begun) await one.begun
		t.mock.timers.enable({ apis: ['Date'], now: (expires + 2) * 1000 })
		for (const one of begun) one.end()
		for (const { answered, target } of begun) assert.ok((await answered)[0] < 300, target)
		for (const name of ['put', 'dav', 'sfss', 'form']) assert.equal(await (await door.fetch(`/files/${name}`)).text(), CONTENT, name)
		assert.equal(await (await door.fetch(`/${fid}`)).text(), CONTENT)
		for (const upload of uploads) {
			const late = begin(door, upload)
			late.end()
			assert.equal((await late.answered)[0], 401, upload.target)
		}
	})
}
