/** What is said with objects and of them: ranges, conditions, headers, limits, ids, and who may. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { engines } from '../catalogue/engines.ts'
import { openDoor } from './door.ts'
import { assign, type Assigned, form, open, plainFiles, upload } from './objects-ground.ts'

const [sqlite] = engines

test('ranges, conditions, downloads', async (t) => {
	const door = await open(t, sqlite)
	const { fid } = await assign(door)
	const content = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256))
	await upload(`${door.url}/${fid}/pic.png?ts=1000000000`.replace(',', '/'), content)
	const ask = (headers: Record<string, string>, query = '') => fetch(`${door.url}/${fid}${query}`, { headers })
	const part = await ask({ range: 'bytes=10-19' })
	assert.equal(part.status, 206)
	assert.equal(part.headers.get('content-range'), 'bytes 10-19/300')
	assert.ok(Buffer.from(await part.arrayBuffer()).equals(content.subarray(10, 20)))
	const several = await ask({ range: 'bytes=0-1,-2' })
	assert.equal(several.status, 206)
	assert.match(several.headers.get('content-type') ?? '', /^multipart\/byteranges; boundary=/)
	assert.equal((await ask({ range: 'bytes=300-' })).status, 416)
	const whole = await ask({})
	assert.equal(whole.headers.get('last-modified'), 'Sun, 09 Sep 2001 01:46:40 GMT')
	assert.equal(whole.headers.get('content-type'), 'image/png')
	assert.equal(whole.headers.get('content-length'), '300')
	assert.equal(whole.headers.get('content-disposition'), 'inline; filename="pic.png"')
	assert.equal((await ask({ 'if-none-match': whole.headers.get('etag') ?? '' })).status, 304)
	assert.equal((await ask({ 'if-modified-since': 'Sun, 09 Sep 2001 01:46:40 GMT' })).status, 304)
	assert.equal((await ask({ 'if-match': '"00000000"' })).status, 412)
	assert.equal((await ask({}, '?dl=true')).headers.get('content-disposition'), 'attachment; filename="pic.png"')
	const head = await fetch(`${door.url}/${fid}`, { method: 'HEAD' })
	assert.equal(head.headers.get('content-length'), '300')
	assert.equal(await head.text(), '')
})

test('what is said with an upload: checksums, headers of their own, packed content, names', async (t) => {
	const door = await open(t, sqlite, { nodes: 1 })
	const { fid } = await assign(door)
	const md5 = createHash('md5').update('content').digest('base64')
	const bad = await upload(`${door.url}/${fid}`, 'other', { headers: { 'content-md5': md5 } })
	assert.equal(bad.status, 400)
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 404)
	assert.deepEqual(plainFiles(door), [])
	const headers = { 'content-md5': md5, 'seaweed-mood': 'good', 'seaweed-set-cookie': 'a=b', 'content-disposition': 'attachment; filename="../../n\u00ef.txt"' }
	const good = await upload(`${door.url}/${fid}`, 'content', { headers: { ...headers, 'content-disposition': Buffer.from(headers['content-disposition']).toString('latin1') } })
	assert.equal(good.status, 201)
	assert.deepEqual(good.said, { name: 'nï.txt', size: 7, eTag: good.said.eTag, contentMd5: md5 })
	assert.equal(good.headers.get('content-md5'), md5)
	const read = await fetch(`${door.url}/${fid}`)
	assert.equal(read.headers.get('mood'), 'good')
	assert.equal(read.headers.get('set-cookie'), null)
	assert.equal(read.headers.get('seaweed-set-cookie'), 'a=b')
	const ofTheWholeDoor = ['nel', 'report-to', 'reporting-endpoints', 'alt-svc', 'service-worker-allowed', 'x-reproxy-url']
	await upload(`${door.url}/${fid}`, 'content', { headers: Object.fromEntries(ofTheWholeDoor.map((name) => [`seaweed-${name}`, 'x'])) })
	const reread = await fetch(`${door.url}/${fid}`)
	assert.deepEqual(ofTheWholeDoor.filter((name) => reread.headers.has(name) || !reread.headers.has(`seaweed-${name}`)), [])
	assert.match(read.headers.get('content-disposition') ?? '', /filename\*=UTF-8''n%C3%AF\.txt/)
	assert.match(plainFiles(door)[0], /_nï\.txt$/)
	const packed = await assign(door)
	const text = 'all the same '.repeat(10_000)
	const sent = await upload(`${door.url}/${packed.fid}`, gzipSync(text), { headers: { 'content-encoding': 'gzip', 'content-md5': createHash('md5').update(text).digest('base64') } })
	assert.equal(sent.said.size, text.length)
	assert.equal(await (await fetch(`${door.url}/${packed.fid}`)).text(), text)
	assert.equal((await upload(`${door.url}/${packed.fid}`, 'no gzip', { headers: { 'content-encoding': 'gzip' } })).status, 400)
	assert.equal((await upload(`${door.url}/${packed.fid}`, gzipSync(text).subarray(0, 50), { headers: { 'content-encoding': 'gzip' } })).status, 400)
	assert.equal((await upload(`${door.url}/${packed.fid}`, 'x', { headers: { 'content-encoding': 'br' } })).status, 415)
	for (const address of [`${packed.fid}?cm=true`, 'submit?cm=true']) assert.equal((await fetch(`${door.url}/${address}`, { method: 'POST', body: '{}' })).status, 501, address)
	assert.equal((await upload(`${door.url}/${packed.fid}?fsync=true`, 'on the disk')).status, 201)
	assert.equal(await (await fetch(`${door.url}/${packed.fid}`)).text(), 'on the disk')
	assert.deepEqual(door.reports, [])
})

test('a type that no header can say is not kept: what was stored can be read', async (t) => {
	const door = await open(t, sqlite)
	for (const type of ['text/plain; charset="\0"', 'text/plain; x="\x7f"', 'text/plain; x="写真"', '\x1b[2J']) {
		const { fid } = await assign(door)
		const body = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: ${type}\r\n\r\nphoto\r\n--b--\r\n`
		assert.equal((await upload(`${door.url}/${fid}`, body, { headers: { 'content-type': 'multipart/form-data; boundary=b' } })).status, 201)
		const read = await fetch(`${door.url}/${fid}`)
		assert.deepEqual([read.status, read.headers.get('content-type'), await read.text()], [200, 'image/jpeg', 'photo'], JSON.stringify(type))
	}
	assert.deepEqual(door.reports, [])
})

test('too large, packed or not, in a form or not: nothing is left', async (t) => {
	const door = await open(t, sqlite, { nodes: 1, api: { objectBytesMax: 1_000_000 } })
	const { fid } = await assign(door)
	const large = Buffer.alloc(1_000_001)
	const url = `${door.url}/${fid}`
	assert.equal((await upload(url, large)).status, 413)
	assert.equal((await upload(url, '', { method: 'POST', body: form(large, 'x') })).status, 413)
	assert.equal((await upload(url, gzipSync(Buffer.alloc(100_000_000)), { headers: { 'content-encoding': 'gzip' } })).status, 413)
	assert.equal((await fetch(url)).status, 404)
	assert.equal((await upload(url, large.subarray(1))).status, 201)
	assert.equal(plainFiles(door).length, 1)
	assert.deepEqual(readdirSync(door.node(1, '.cairn/uploads'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()), [])
})

test('ids that are wrong, guessed or made up', async (t) => {
	const door = await open(t, sqlite)
	const { fid } = await assign(door)
	await upload(`${door.url}/${fid}`, 'secret')
	const guessed = fid.slice(0, -8) + (fid.endsWith('00000000') ? '00000001' : '00000000')
	const volume = `9${fid}`
	for (const wrong of [guessed, volume]) {
		assert.equal((await fetch(`${door.url}/${wrong}`)).status, 404, wrong)
		assert.equal((await upload(`${door.url}/${wrong}`, 'x')).status, 400, wrong)
		const removed = await fetch(`${door.url}/${wrong}`, { method: 'DELETE' })
		assert.equal(removed.status, 400)
		assert.deepEqual(await removed.json(), { error: 'File Random Cookie does not match.' })
	}
	for (const wrong of ['3,1', '3,zz637037d6', '99999999999,01637037d6', '3,01637037d6_x', `3,${'0'.repeat(25)}`]) {
		for (const method of ['GET', 'PUT', 'DELETE']) {
			const response = await fetch(`${door.url}/${wrong}`, { method })
			assert.equal(response.status, 400, `${method} ${wrong}`)
			assert.equal(typeof ((await response.json()) as { error: string }).error, 'string')
		}
	}
	assert.equal((await upload(`${door.url}/1,ffffffffffffffff00000000`, 'x')).status, 404)
	assert.equal(await (await fetch(`${door.url}/${fid}`)).text(), 'secret')
})

test('who may: roles, parts of the tree, and a token for one object', async (t) => {
	const keyFile = join((await openDoor(t)).directory, 'key')
	writeFileSync(keyFile, 'the key\n', { mode: 0o600 })
	const door = await openDoor(t, { api: { objectKeyFile: keyFile, publicPaths: ['.blobs/shown'] } })
	assert.equal((await fetch(`${door.url}/dir/assign`)).status, 401)
	const as = async (role: 'read' | 'write', paths?: string[]) => ({ authorization: `Bearer ${await door.token(role, { paths })}` })
	const [reader, writer] = [await as('read'), await as('write', ['.blobs/shown'])]
	assert.equal((await fetch(`${door.url}/dir/assign`, { headers: reader })).status, 403)
	assert.equal((await fetch(`${door.url}/dir/assign`, { headers: writer })).status, 403, 'another collection')
	const response = await fetch(`${door.url}/dir/assign?collection=shown&count=2`, { headers: writer })
	const { fid } = (await response.json()) as Assigned
	const authorization = response.headers.get('authorization') ?? ''
	assert.match(authorization, /^Bearer /)
	assert.equal((await upload(`${door.url}/${fid}`, 'x')).status, 401)
	assert.equal((await upload(`${door.url}/${fid}`, 'x', { headers: reader })).status, 403)
	assert.equal((await upload(`${door.url}/${fid}`, 'one', { headers: { authorization } })).status, 201)
	assert.equal((await upload(`${door.url}/${fid}_1?jwt=${authorization.slice(7)}`, 'two')).status, 201)
	assert.equal((await upload(`${door.url}/${fid}_1`, 'two', { headers: { cookie: `AT=${authorization.slice(7)}` } })).status, 201)
	assert.equal((await upload(`${door.url}/${fid}_1`, 'three', { headers: writer })).status, 201)
	const other = ((await (await fetch(`${door.url}/dir/assign?collection=shown`, { headers: writer })).json()) as Assigned).fid
	const wrong = await upload(`${door.url}/${other}`, 'x', { headers: { authorization } })
	assert.equal(wrong.status, 401)
	assert.deepEqual(wrong.said, { error: 'wrong jwt' })
	assert.equal((await fetch(`${door.url}/dir/assign`, { headers: { authorization } })).status, 401)
	assert.equal(await (await fetch(`${door.url}/${fid}`)).text(), 'one', 'what is public')
	const hidden = await door.fetch('/dir/assign?collection=hidden')
	const { fid: secret } = (await hidden.json()) as Assigned
	await door.fetch(`/${secret}`, { method: 'PUT', body: 'hidden' })
	assert.equal((await fetch(`${door.url}/${secret}`)).status, 401)
	assert.equal((await fetch(`${door.url}/${secret}`, { headers: reader })).status, 200)
	assert.equal((await fetch(`${door.url}/${secret}`, { method: 'DELETE', headers: writer })).status, 403)
})

test('an upload that breaks off, a form that does, one that is none', async (t) => {
	const door = await open(t, sqlite, { nodes: 1 })
	const { fid } = await assign(door)
	const { port } = new URL(door.url)
	for (const head of ['content-length: 100000', 'transfer-encoding: chunked', 'content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000']) {
		const socket = connect(Number(port), '127.0.0.1')
		const closed = new Promise((resolve) => socket.on('close', resolve))
		socket.on('error', () => undefined)
		socket.write(`PUT /${fid} HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n${head.startsWith('transfer') ? '5\r\nhello\r\n' : '--b\r\ncontent-disposition: form-data; filename="x"\r\n\r\nhalf'}`)
		await new Promise((resolve) => setTimeout(resolve, 50))
		socket.destroy()
		await closed
	}
	for (const [type, body] of [
		['multipart/form-data; boundary=b', 'no boundary at all'], ['multipart/form-data; boundary=b', '--b\r\ncontent-disposition: form-data; filename="x"\r\n\r\nhalf'],
		['multipart/form-data', 'x'], ['multipart/form-data; boundary=b', ''], ['multipart/form-data; boundary=b', '--b--\r\n'],
	]) {
		const { status, said } = await upload(`${door.url}/${fid}`, body, { headers: { 'content-type': type } })
		assert.equal(status, 400, `${type}: ${body}`)
		assert.equal(typeof said.error, 'string')
	}
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 404)
	assert.deepEqual(plainFiles(door), [])
	assert.equal((await upload(`${door.url}/${fid}`, '')).status, 201, 'an empty object is one')
	assert.equal((await fetch(`${door.url}/${fid}`)).headers.get('content-length'), '0')
	assert.ok(statSync(door.node(1, `.blobs/${plainFiles(door)[0]}`)).size === 0)
	assert.deepEqual(door.reports, [])
})
