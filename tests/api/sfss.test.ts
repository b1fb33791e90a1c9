/** The dialect of sfss, by the command lines of its documentation and by what can go wrong with them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { engines } from '../catalogue/engines.ts'
import { curl } from './curl.ts'
import { type DoorOptions, openDoor } from './door.ts'

const open = (t: TestContext, options: DoorOptions = {}) => openDoor(t, { listen: [{ at: '127.0.0.1:0', parts: ['sfss', 'files'], anybody: 'write' }], ...options })

for (const engine of engines) {
	test(`${engine.name}: the command lines of its documentation`, async (t) => {
		const door = await open(t, { engine, nodes: 1 })
		const file = join(door.directory, 'file')
		writeFileSync(file, randomBytes(100_000))
		const created = await curl('-F', `upload_file=@${file}`, '-X', 'POST', `${door.url}/files?path=file/path/to/save`)
		assert.deepEqual(created, { status: 201, text: '' })
		assert.ok(readFileSync(door.node(1, 'file/path/to/save')).equals(readFileSync(file)), 'a plain file')
		writeFileSync(file, 'updated')
		assert.deepEqual(await curl('-F', `upload_file=@${file}`, '-X', 'PUT', `${door.url}/file?path=file/path/to/save`), { status: 200, text: '' })
		assert.deepEqual(await curl(`${door.url}/file?path=file/path/to/save`), { status: 200, text: 'updated' })
		const { storages, webserver } = JSON.parse((await curl(`${door.url}/status`)).text)
		assert.equal(storages.node1.state, 'up')
		assert.equal(webserver.pid, String(process.pid))
	})
}

test('conditions hold here too; a hash sent along with a form is not that of the file in it', async (t) => {
	const door = await open(t, { nodes: 1 })
	const put = async (body: string | FormData, headers: Record<string, string>) => (await fetch(`${door.url}/file?path=f`, { method: 'PUT', body, headers })).status
	assert.deepEqual([await put('x', { 'if-match': '*' }), await put('x', { 'if-none-match': '*' }), await put('y', { 'if-none-match': '*' })], [412, 200, 412])
	const etag = (await fetch(`${door.url}/file?path=f`)).headers.get('etag') as string
	assert.deepEqual([await put('y', { 'if-match': etag }), await put('z', { 'if-match': etag })], [200, 412])
	const form = new FormData()
	form.set('upload_file', new Blob(['in a form']), 'f')
	const md5 = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
	assert.deepEqual([await put('x', md5), await put(form, md5)], [400, 200])
	assert.equal((await fetch(`${door.url}/files/`, { method: 'POST', body: form, headers: md5 })).status, 200)
	assert.equal(await (await fetch(`${door.url}/file?path=f`)).text(), 'in a form')
})

test('raw bodies, as its own client sends them; types, heads, removal', async (t) => {
	const door = await open(t)
	const content = randomBytes(5_000)
	for (const [method, address, status] of [['POST', '/files', 201], ['PUT', '/file', 200], ['POST', '/files', 201]] as const) {
		const response = await fetch(`${door.url}${address}?path=a/pic.png`, { method, body: new Uint8Array(content) })
		assert.equal(response.status, status)
	}
	const read = await fetch(`${door.url}/file?path=a/pic.png`)
	assert.equal(read.headers.get('content-type'), 'image/png')
	assert.equal(read.headers.get('content-length'), '5000')
	assert.ok(Buffer.from(await read.arrayBuffer()).equals(content))
	const head = await fetch(`${door.url}/file?path=a/pic.png`, { method: 'HEAD' })
	assert.equal(head.headers.get('content-length'), '5000')
	assert.equal((await fetch(`${door.url}/file?path=a/pic.png`, { headers: { range: 'bytes=0-9' } })).status, 206)
	assert.equal((await fetch(`${door.url}/file?path=${encodeURIComponent('写真/ä b+c.txt')}`, { method: 'PUT', body: 'x' })).status, 200)
	assert.equal(await (await fetch(`${door.url}/files/${encodeURIComponent('写真')}/${encodeURIComponent('ä b+c.txt')}`)).text(), 'x')
	assert.equal((await fetch(`${door.url}/file?path=a/pic.png`, { method: 'DELETE' })).status, 204)
	assert.equal((await fetch(`${door.url}/file?path=a/pic.png`)).status, 404)
	assert.equal((await fetch(`${door.url}/file?path=a/pic.png`, { method: 'DELETE' })).status, 404)
})

test('what is wrong with a request is said, and nothing changed', async (t) => {
	const door = await open(t, { nodes: 1, api: { sfssBytesMax: 10_000 } })
	await fetch(`${door.url}/file?path=there/file`, { method: 'PUT', body: 'x' })
	const long = 'x'.repeat(256)
	for (const path of ['', '/a', 'a//b', 'a\\b', 'a/', '..', 'a/../b', './a', 'a/%00', '%ff', '%zz', '%', long, '%c3%28']) {
		for (const [method, address] of [['GET', 'file'], ['HEAD', 'file'], ['PUT', 'file'], ['POST', 'files'], ['DELETE', 'file']]) {
			const { status } = await fetch(`${door.url}/${address}?path=${path.replace(/[\\]/g, encodeURIComponent)}`, { method, ...(method.startsWith('P') ? { body: 'x' } : {}) })
			assert.equal(status, 400, `${method} ${path.slice(0, 20)}`)
		}
	}
	assert.equal((await fetch(`${door.url}/file`)).status, 400)
	for (const path of ['none', 'there/file/below', 'there']) assert.equal((await fetch(`${door.url}/file?path=${path}`)).status, 404, path)
	assert.equal((await fetch(`${door.url}/file?path=there`, { method: 'PUT', body: 'x' })).status, 409)
	assert.equal((await fetch(`${door.url}/file?path=.cairn/node.json`)).status, 403)
	const large = Buffer.alloc(10_001)
	assert.equal((await fetch(`${door.url}/file?path=large`, { method: 'PUT', body: new Uint8Array(large) })).status, 413)
	const stream = new Blob([new Uint8Array(large)]).stream()
	assert.equal((await fetch(`${door.url}/file?path=large`, { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)).status, 413)
	const form = (field: string, size: number) => {
		const data = new FormData()
		data.set('other', 'x')
		data.set(field, new Blob([new Uint8Array(size)]), 'x')
		return data
	}
	const put = async (body: FormData) => (await fetch(`${door.url}/file?path=large`, { method: 'PUT', body })).status
	assert.equal(await put(form('upload_file', 10_001)), 413)
	assert.equal(await put(form('file', 10)), 400)
	assert.equal((await fetch(`${door.url}/file?path=large`)).status, 404)
	assert.equal(await put(form('upload_file', 10_000)), 200)
	assert.deepEqual(door.reports, [])
})

test('no storage: 504, and nothing is left', async (t) => {
	const door = await open(t, { nodes: 1 })
	await fetch(`${door.url}/file?path=file`, { method: 'PUT', body: 'x' })
	await door.driver.change("UPDATE node SET state = 'ro'")
	await door.reload()
	assert.equal((await fetch(`${door.url}/file?path=other`, { method: 'PUT', body: 'x' })).status, 504)
	assert.equal(await (await fetch(`${door.url}/file?path=file`)).text(), 'x')
	await door.driver.change("UPDATE node SET state = 'dead'")
	await door.reload()
	assert.equal((await fetch(`${door.url}/file?path=file`)).status, 504)
	assert.equal((await fetch(`${door.url}/status`)).status, 504)
})
