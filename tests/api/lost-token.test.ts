/** A token is revoked while content comes that was begun with it: nothing gets a name, and nothing stays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import * as tokens from '../../core/catalogue/tokens.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor } from './door.ts'
import { begin, type Sent } from './half-sent.ts'
import { knownToken } from './known-token.ts'
import { filesBelow } from './left-behind.ts'

/** As long as a door believes what it knows of a token. */
const KNOWN_MS = 2_000
const CONTENT = 'the first half and the second half'
const FORM = `--b\r\ncontent-disposition: form-data; name="FIELD"; filename="form"\r\n\r\n${CONTENT}\r\n--b--\r\n`

interface Upload extends Sent {
	status: number
}

const FORM_TYPE = { 'content-type': 'multipart/form-data; boundary=b' }
const TUS = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream', 'upload-length': String(CONTENT.length) }

/** `name`: what is put is called so, as far as it has a name. */
function uploads(name: string, fid: string): Upload[] {
	const path = Buffer.from(`${name}-tus`).toString('base64')
	return [
		{ method: 'PUT', target: `/files/${name}-put`, body: CONTENT, status: 201 },
		{ method: 'POST', target: `/files/?name=${name}`, body: FORM.replace('FIELD', 'file').replace('"form"', `"${name}-form"`), headers: FORM_TYPE, status: 201 },
		{ method: 'PUT', target: `/dav/${name}-dav`, body: CONTENT, status: 201 },
		{ method: 'PUT', target: `/file?path=${name}-sfss`, body: CONTENT, status: 200 },
		{ method: 'POST', target: `/files?path=${name}-sfss-form`, body: FORM.replace('FIELD', 'upload_file'), headers: FORM_TYPE, status: 201 },
		{ method: 'PUT', target: `/${fid}`, body: CONTENT, status: 201 },
		{ method: 'POST', target: '/submit', body: FORM.replace('FIELD', 'file'), headers: FORM_TYPE, status: 201 },
		{ method: 'POST', target: '/api/v1/append?path=log', body: CONTENT, status: 200 },
		{ method: 'POST', target: '/uploads', body: CONTENT, headers: { ...TUS, 'upload-metadata': `path ${path}` }, status: 201 },
	]
}

for (const engine of engines) {
	test(`${engine.name}: what is still coming when its token is revoked is not taken, in any dialect`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const [lost, kept] = [await knownToken(door, 'write', { name: 'lost' }), await knownToken(door, 'write', { name: 'kept' })]
		await door.fetch('/files/log', { method: 'PUT', body: '' })
		const fidOf = async () => ((await (await door.fetch('/dir/assign')).json()) as { fid: string }).fid
		const [first, second] = [await fidOf(), await fidOf()]
		const ofLost = uploads('lost', first).map((upload) => begin(door, upload, lost))
		const wanted = uploads('kept', second)
		const ofKept = wanted.map((upload) => begin(door, upload, kept))
		assert.equal(await tokens.remove(door.driver, 'lost'), 1)
		await delay(KNOWN_MS + 100)
		for (const { end } of ofLost) end()
		for (const { answered, target } of ofLost) {
			const [status, text] = await answered
			assert.equal(status, 401, `${target}: ${text}`)
			assert.match(text, /does not hold any more/, target)
		}
		const count = async (what: string) => Number((await door.driver.get<{ many: number }>(`SELECT COUNT(*) AS many FROM ${what}`))?.many)
		assert.deepEqual([await count('file WHERE kind = 8 AND size > 0'), await count('object')], [0, 0])
		for (const { end } of ofKept) end()
		for (const [index, { answered, target }] of ofKept.entries()) {
			const [status, text] = await answered
			assert.equal(status, wanted[index].status, `${target}: ${text}`)
		}
		// What tus keeps of it may go on with another token, for a day.
		const staged = filesBelow(door.node(1)).filter((file) => file.startsWith('/.cairn/uploads/') && !file.startsWith('/.cairn/uploads/kept/'))
		assert.deepEqual(staged, [])
		assert.equal(await count('file WHERE kind = 8'), wanted.length)
		for (const name of ['put', 'dav', 'sfss']) assert.equal(await (await door.fetch(`/files/kept-${name}`)).text(), CONTENT)
	})
}
