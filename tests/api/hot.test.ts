/** Small files that are asked for again: the answer is known, the same, and never one that does not hold any more. */
import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import * as tokens from '../../core/catalogue/tokens.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'
import { openDoor, type DoorOptions, type TestDoor } from './door.ts'
import { type PlainConnection, plainConnection } from './plain-connection.ts'

const CHANGES = 120

interface Hot {
	door: TestDoor
	token: string
	plain: PlainConnection
}

async function openHot(t: TestContext, options: DoorOptions = {}): Promise<Hot> {
	const door = await openDoor(t, { nodes: 1, ...options })
	const token = await door.token('admin', { name: 'asks' })
	const plain = await plainConnection(door.url, token)
	t.after(() => plain.socket.destroy())
	return { door, token, plain }
}

const put = (door: TestDoor, path: string, body: string) => door.fetch(path, { method: 'PUT', body })

/** Where nothing but what is remembered can be the answer. */
async function onlyRemembered({ door, plain }: Hot, path: string, name: string): Promise<void> {
	assert.equal((await plain.ask(path)).status, 200)
	rmSync(door.node(1, name))
	assert.equal((await door.fetch(`${path}?long`)).status, 503, 'the long way finds no copy')
}

test('an answer that is known is the answer that was first given, on a plain connection and on any other', async (t) => {
	const hot = await openHot(t)
	const { door, plain, token } = hot
	await put(door, '/files/a/page.html', 'content')
	const first = await plain.ask('/files/a/page.html')
	await onlyRemembered(hot, '/files/a/page.html', 'a/page.html')
	const again = await plain.ask('/files/a/page.html')
	const { date: _, ...headers } = again.headers
	assert.deepEqual({ ...again, headers: { ...headers, date: first.headers.date } }, first)
	const tag = first.headers.etag
	assert.equal(tag[0], '"')
	assert.deepEqual([(await plain.ask('/files/a/page.html', { method: 'HEAD' })).headers['content-length'], (await plain.ask('/files/a/page.html', { headers: { 'if-none-match': tag } })).status], ['7', 304])
	assert.equal((await plain.ask('/files/a/page.html', { headers: { 'if-none-match': '"other"' } })).body.toString(), 'content')

	const fetched = await door.fetch('/files/a/page.html')
	assert.deepEqual([fetched.status, await fetched.text(), fetched.headers.get('content-type')], [200, 'content', 'text/html; charset=utf-8'])
	assert.equal((await door.fetch('/files/a/page.html', { headers: { 'if-none-match': tag } })).status, 304)
	assert.equal((await door.fetch('/files/a/page.html', { headers: { 'if-match': '"other"' } })).status, 412)
	assert.equal((await fetch(`${door.url}/files/a/page.html`)).status, 401)
	const basic = Buffer.from(`:${token}`).toString('base64')
	assert.equal((await fetch(`${door.url}/files/a/page.html`, { headers: { authorization: `Basic ${basic}` } })).status, 200)
})

test('whatever changes a file, by whichever door, the next answer is the new one', async (t) => {
	const { door, plain } = await openHot(t)
	const other = await door.second()
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const { pick, chance, below } = randomFrom(seed)
	const otherUrl = other.addresses[0]
	const all = { authorization: `Bearer ${await door.token('admin')}` }
	const names = ['a', 'b', 'd/a', 'd/b', 'd/e/a', 'f/a', 'f/e/a']
	let tree = new Map<string, string>()
	const ask = (method: string, path: string, init: RequestInit = {}) => fetch(`${chance(0.5) ? door.url : otherUrl}${path}`, { ...init, method, headers: { ...all, ...init.headers } })
	const below_ = (top: string) => [...tree].filter(([name]) => name.startsWith(`${top}/`))

	const changes: Record<string, () => Promise<void>> = {
		async put() {
			const name = pick(names)
			const content = `${name} ${below(1e9)}`
			assert.ok((await ask('PUT', `/${name.includes('/') ? 'files' : pick(['files', 'dav'])}/${name}`, { body: content })).ok)
			tree.set(name, content)
		},
		async append() {
			const name = pick([...tree.keys()])
			const append = () => ask('POST', `/api/v1/append?path=${name}`, { body: '+' })
			// This dialect leaves it to whoever asks to ask again where a name has just been moved by another door: 409.
			const answer = await until('it is appended', async () => {
				const { ok, status } = await append()
				assert.ok(ok || status === 409, String(status))
				return ok || undefined
			})
			assert.ok(answer)
			tree.set(name, `${tree.get(name)}+`)
		},
		async remove() {
			const name = pick([...tree.keys()])
			assert.equal((await ask('DELETE', `/files/${name}`)).status, 204)
			tree.delete(name)
		},
		async move() {
			const [from, to] = [pick([...tree.keys()]), pick(names)]
			if (from === to || (await ask('MOVE', `/files/${from}`, { headers: { destination: `/files/${to}` } })).status > 204) return
			tree.set(to, tree.get(from) as string)
			tree.delete(from)
		},
		async moveDirectory() {
			const [from, to] = chance(0.5) ? ['d', 'f'] : ['f', 'd']
			if (below_(from).length === 0) return
			await ask('DELETE', `/files/${to}?recursive`)
			assert.equal((await ask('MOVE', `/files/${from}`, { headers: { destination: `/files/${to}` } })).status, 201)
			const moved = below_(from)
			tree = new Map([...tree].filter(([name]) => !name.startsWith(`${from}/`) && !name.startsWith(`${to}/`)))
			for (const [name, content] of moved) tree.set(to + name.slice(from.length), content)
		},
	}
	for (const name of names) assert.ok((await ask('PUT', `/files/${name}`, { body: name })).ok)
	for (const name of names) tree.set(name, name)
	for (let step = 0; step < CHANGES; step++) {
		const change = tree.size < 3 ? 'put' : pick(Object.keys(changes))
		await changes[change]()
		for (const name of names) {
			const { status, body } = await plain.ask(`/files/${name}`)
			assert.deepEqual([status, status === 200 ? body.toString() : ''], tree.has(name) ? [200, tree.get(name)] : [404, ''], `step ${step}, ${change}: ${name}`)
		}
	}
})

test('who may not come in gets no answer that is known', async (t) => {
	const hot = await openHot(t, { api: { publicPaths: ['public'] } })
	const { door, plain } = hot
	const [scoped, limited] = [await door.token('read', { paths: ['public'] }), await door.token('read', { perMinute: 3 })]
	for (const path of ['/files/public/a', '/files/secret']) {
		await put(door, path, path)
		assert.equal((await plain.ask(path)).status, 200)
	}
	for (const name of ['public/a', 'secret']) rmSync(door.node(1, name))
	const stranger = await plainConnection(door.url)
	const elsewhere = await plainConnection(door.url, scoped)
	const wrong = await plainConnection(door.url, 'cairn_nobody')
	const seldom = await plainConnection(door.url, limited)
	t.after(() => {
		for (const { socket } of [stranger, elsewhere, wrong, seldom]) socket.destroy()
	})
	const statuses = async (who: PlainConnection) => [(await who.ask('/files/public/a')).status, (await who.ask('/files/secret')).status]
	assert.deepEqual(await statuses(stranger), [200, 401])
	assert.deepEqual(await statuses(elsewhere), [200, 403])
	assert.deepEqual(await statuses(wrong), [401, 401])
	assert.deepEqual([await statuses(seldom), await statuses(seldom)], [[200, 200], [200, 429]])

	await tokens.remove(door.driver, 'asks')
	await until('the token is revoked', async () => ((await plain.ask('/files/secret')).status === 401 ? true : undefined))
})

test('a connection is handed over with the first request that is not plain, and nothing is lost on the way', async (t) => {
	const hot = await openHot(t)
	const { door, token } = hot
	await put(door, '/files/a', 'content')
	await onlyRemembered(hot, '/files/a', 'a')
	const head = `Host: x\r\nAuthorization: Bearer ${token}\r\n`
	const request = `GET /files/a HTTP/1.1\r\n${head}\r\n`
	const cases: Record<string, { parts: string[]; bodies: string[] }> = {
		'in two pieces': { parts: [request.slice(0, 30), request.slice(30)], bodies: ['content'] },
		'two at once': { parts: [request + request], bodies: ['content', 'content'] },
		'a body after it': { parts: [request, `PUT /files/b HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nab`, 'cde'], bodies: ['content', ''] },
		'an older protocol': { parts: [request.replace('1.1', '1.0')], bodies: ['content'] },
		'a range': { parts: [request, `GET /files/c HTTP/1.1\r\n${head}Range: bytes=1-2\r\n\r\n`, request], bodies: ['content', 'il', 'content'] },
	}
	await put(door, '/files/c', 'file')
	for (const [what, { parts, bodies }] of Object.entries(cases)) {
		const connection = await plainConnection(door.url)
		assert.equal((await Promise.all([connection.send(request), connection.answer()]))[1].body.toString(), 'content', what)
		for (const part of parts) {
			connection.send(part)
			if (parts.length > 1) await new Promise((resolve) => setTimeout(resolve, 20))
		}
		for (const body of bodies) {
			const { status, body: got } = await connection.answer()
			assert.ok(status < 300, `${what}: ${status}`)
			if (body !== '') assert.equal(got.toString(), body, what)
		}
		connection.socket.destroy()
	}
	assert.equal(await (await door.fetch('/files/b')).text(), 'abcde')
	for (const bad of ['GET /files/a HTTP/1.1\r\n\r\n', 'NONSENSE\r\n\r\n', `GET /files/a HTTP/1.1\r\n${head}Bad Name: x\r\n\r\n`]) {
		const connection = await plainConnection(door.url)
		connection.send(request)
		await connection.answer()
		connection.send(bad)
		assert.equal((await connection.answer()).status, 400, bad)
		connection.socket.destroy()
	}
})

test('what waits for its next request does not keep the door from ending, and what is counted counts', async (t) => {
	const { door, plain } = await openHot(t)
	await put(door, '/files/a', 'content')
	const counted = async () => Number(/cairn_http_seconds_count\{.*part="files",status="2xx"\} (\d+)/.exec(await (await door.fetch('/metrics')).text())?.[1])
	await plain.ask('/files/a')
	const before = await counted()
	for (let time = 0; time < 3; time++) await plain.ask('/files/a')
	assert.equal(await counted(), before + 3)
	const ended = new Promise((resolve) => plain.socket.on('close', resolve))
	await door.stop()
	await ended
	assert.ok(existsSync(door.node(1, 'a')))
})
