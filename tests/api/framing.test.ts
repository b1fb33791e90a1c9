/** Requests as they lie on a connection: after each other, in codings, announced, malformed; and what an address does not take. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ANYBODY } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'

/** All that comes back until the connection ends. */
async function said({ url }: Pick<TestDoor, 'url'>, text: string, { ends = false } = {}): Promise<string> {
	const { hostname, port } = new URL(url)
	const socket = connect(Number(port), hostname).on('error', () => undefined)
	let answer = ''
	socket.on('data', (chunk) => (answer += chunk)).write(text)
	if (ends) socket.end()
	await new Promise((resolve) => socket.on('close', resolve))
	return answer
}

const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
const put = (path: string, body: string, headers = '') => `PUT /files/${path} HTTP/1.1\r\nhost: x\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`
const get = (path: string, headers = '') => `GET /files/${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`
const CLOSE = 'connection: close\r\n'

test('what is sent ahead is handled in its turn', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	let sent = ''
	for (let index = 0; index < 20; index++) sent += put('f', `content ${index};`) + get('f')
	const answer = await said(door, `${sent}DELETE /files/f HTTP/1.1\r\nhost: x\r\n\r\n${get('f', CLOSE)}`)
	assert.deepEqual(statuses(answer), [201, 200, ...Array.from({ length: 19 }, () => [200, 200]).flat(), 204, 404])
	assert.deepEqual([...answer.matchAll(/content (\d+);/g)].map(([, index]) => Number(index)), Array.from({ length: 20 }, (_, index) => index))
})

test('who closes his side when he has asked is answered, and the connection closed', { timeout: 30_000 }, async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY, api: { idleMs: 600_000 } })
	const large = 'x'.repeat(3_000_000)
	const unusual = 'x-long: way\r\n'
	assert.deepEqual(statuses(await said(door, put('large', large), { ends: true })), [201])
	assert.deepEqual(statuses(await said(door, put('f', 'content', unusual) + get('f') + put('f', 'more') + get('f'), { ends: true })), [201, 200, 200, 200])
	assert.ok((await said(door, get('large', unusual), { ends: true })).endsWith(large))
	// Answered before node's HTTP.
	assert.deepEqual(statuses(await said(door, put('f', 'content'), { ends: true })), [200])
	assert.deepEqual(statuses(await said(door, put('f', 'content', unusual).slice(0, -1), { ends: true })), [400])
})

test('whoever sends far ahead is ended, and others are served', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const answer = await said(door, put('f', 'x') + get('f').repeat(500))
	assert.ok(statuses(answer).length < 500)
	assert.equal((await door.fetch('/files/f')).status, 200)
})

test('who asks whether to send a body is told to, or hears why not and sends none', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const expect = 'expect: 100-continue\r\n'
	const allowed = await said(door, put('f', 'x'.repeat(500_000), `authorization: Bearer ${await door.token('write')}\r\n${expect}${CLOSE}`))
	assert.deepEqual(statuses(allowed), [100, 201])
	const refused = await said(door, `PUT /files/f HTTP/1.1\r\nhost: x\r\n${expect}content-length: 1000000\r\n\r\n`)
	assert.deepEqual(statuses(refused), [401])
	assert.match(refused, /\r\nconnection: close\r\n/i)
	const read = `GET /files/f HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await door.token('read')}\r\n${expect}content-length: 5\r\n\r\n`
	assert.deepEqual(statuses(await said(door, read)), [200], 'a body that nobody reads is not asked for, before the answer or after')
	assert.deepEqual(statuses(await said(door, `PUT /nothing/at/all/here HTTP/1.1\r\nhost: x\r\n${expect}content-length: 1000000\r\n\r\n`)), [404])
})

test('an address may be written with its host, as for a proxy', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const own = (text: string) => text.replace('/files/', 'http://x/files/')
	assert.deepEqual(statuses(await said(door, own(put('f', 'content')) + own(get('f', CLOSE)))), [201, 200])
	assert.equal(await (await fetch(`${door.url}/files/f`)).text(), 'content')
	assert.deepEqual(statuses(await said(door, `GET HTTPS://x?q HTTP/1.1\r\nhost: x\r\n${CLOSE}\r\n`)), statuses(await said(door, `GET /?q HTTP/1.1\r\nhost: x\r\n${CLOSE}\r\n`)))
})

test('what came whole is answered, whatever comes after it', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	for (const headers of ['', 'x-long: way\r\n']) {
		const answer = await said(door, `${put('f', 'content', headers)}this is no request\r\n\r\n`)
		assert.deepEqual(statuses(answer), [headers === '' ? 201 : 200, 400])
	}
})

test('codings and lengths that do not go together are refused', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const chunked = '5\r\nhello\r\n0\r\n\r\n'
	const cases: Array<[string, number]> = [
		[`transfer-encoding: gzip, chunked\r\n\r\n${chunked}`, 501],
		[`transfer-encoding: xchunked\r\n\r\n${chunked}`, 501],
		[`transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n${chunked}`, 400],
		[`transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunked}`, 400],
		['content-length: 4\r\ncontent-length: 5\r\n\r\nhello', 400],
		['content-length: +5\r\n\r\nhello', 400],
		['content-length : 5\r\n\r\nhello', 400],
		['host: y\r\ncontent-length: 5\r\n\r\nhello', 400],
		['expect: the best\r\ncontent-length: 5\r\n\r\nhello', 417],
		['content-encoding: gzip\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello', 415],
		['x: y\r\n folded\r\ncontent-length: 5\r\n\r\nhello', 400],
		[`x: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
	]
	for (const [rest, status] of cases) {
		const answer = await said(door, `PUT /files/f HTTP/1.1\r\nhost: x\r\n${rest}`)
		assert.deepEqual(statuses(answer), [status], rest.slice(0, 60))
		assert.match(answer, /\r\n\r\n\{"error":\{"code":"\w+","message":"[^"]+"\}\}$/, rest.slice(0, 60))
	}
	for (const version of ['1.0', '1.1']) assert.deepEqual(statuses(await said(door, `GET /files/ HTTP/${version}\r\n${CLOSE}\r\n`)), [version === '1.0' ? 200 : 400])
	for (const method of ['PUT', 'POST']) assert.deepEqual(statuses(await said(door, `${method} /files/f HTTP/1.0\r\n\r\nhello`)), [411], 'no empty file is made of what is not announced')
	assert.match(await said(door, 'GET /api/v1/list HTTP/1.1\r\n\r\n'), /"success":false/)
	assert.match(await said(door, 'POST /backup/v1/hello HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n'), /^HTTP\/1\.1 400 .*"error":"bad-request"/s)
	assert.deepEqual(door.reports, [])
	assert.equal((await door.fetch('/files/f')).status, 404)
})

test('an address says what it takes', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const cases: Array<[string, string, RegExp, RegExp]> = [
		['PATCH', '/files/f', /GET, HEAD, MKCOL/, /"error":\{"code":"HTTP_405"/],
		['POST', '/dav/f', /PROPFIND/, /<D:error/],
		['PUT', '/api/v1/list?path=x', /GET, HEAD, OPTIONS, POST/, /"success":false/],
		['POST', '/file?path=x', /DELETE, GET, HEAD, OPTIONS, PUT/, /"error":"/],
		['PATCH', '/3,01637037d6', /DELETE, GET, HEAD/, /"error":"/],
	]
	for (const [method, path, allow, shape] of cases) {
		const answer = await fetch(door.url + path, { method })
		assert.equal(answer.status, 405, path)
		assert.match(answer.headers.get('allow') ?? '', allow, path)
		assert.match(await answer.text(), shape, path)
		const options = await fetch(door.url + path, { method: 'OPTIONS' })
		assert.ok(options.status === 204 || options.status === 200, path)
		assert.match(options.headers.get('allow') ?? '', allow, path)
	}
	assert.equal((await fetch(`${door.url}/no/such/thing/at/all`, { method: 'PATCH' })).status, 404)
})

test('a host is one that there can be, also where an answer is known', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	await said(door, put('f', 'content', CLOSE) + get('f', CLOSE))
	for (const connection of [CLOSE, 'connection: keep-alive\r\n']) {
		const status = async (host: string) => statuses(await said(door, `GET /files/f HTTP/1.1\r\nhost: ${host}\r\n${connection}\r\n${get('f', CLOSE)}`))[0]
		for (const host of ['a b', 'a/b', 'user@a', 'a:b', '[::1', '<a>', 'a, b']) assert.equal(await status(host), 400, host)
		for (const host of ['', 'a', 'A-b:80', '127.0.0.1:', '[::1]:8080', 'a_b', '%C3%A9']) assert.equal(await status(host), 200, host)
	}
})

test('the door as a whole is asked for what it takes, and no address is none', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const status = async (line: string) => statuses(await said(door, `${line} HTTP/1.1\r\nhost: x\r\n${CLOSE}\r\n`))
	assert.deepEqual(await status('OPTIONS *'), [204])
	for (const line of ['GET *', 'DELETE *files/f', 'GET files/']) assert.deepEqual(await status(line), [400], line)
})

test('caches are told what an answer depends on', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY, api: { corsOrigins: ['https://app.example'] } })
	const vary = async (origin?: string) => (await fetch(`${door.url}/files/`, { headers: origin ? { origin } : {} })).headers.get('vary')
	for (const origin of [undefined, 'https://app.example', 'https://other.example']) assert.equal(await vary(origin), 'Origin, Accept')
})
