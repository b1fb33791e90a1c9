/** Who comes in, and who does not: through a real server, for every route the router has. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ListenConfig } from '../../core/config/types.ts'
import { sign, signedTarget, signingKey, withoutSignature } from '../../core/access/signed-url.ts'
import { run } from '../../core/op.ts'
import { QUIET_DOOR } from '../../core/filesystem/clients.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor } from './door.ts'
import { knownToken } from './known-token.ts'
import { plainConnection } from './plain-connection.ts'
import { routesOf } from './routes.ts'
import { hardLinkInTree, symlinkInTree } from './symlink.ts'

const OPEN = new Set(['GET /health', 'HEAD /health', 'GET /ready', 'HEAD /ready', 'GET /healthz', 'HEAD /healthz'])
/** As public as the program itself; how one comes in and goes; a summary that has to be switched on. */
const PUBLIC = /^(GET|HEAD) \/(backup\/agent\.mjs|web\/|login$|summary)|^POST \/logout$/

test('every route but those that say how the door is refuses whoever brings nothing, or something wrong', async (t) => {
	const door = await openDoor(t)
	const routes = routesOf(door)
	assert.ok(routes.length >= OPEN.size)
	for (const { method, path } of routes) {
		if (PUBLIC.test(`${method} ${path}`)) continue
		const isOpen = OPEN.has(`${method} ${path}`)
		for (const headers of [{}, { authorization: 'Basic OjpbXQ==' }, { authorization: 'nonsense' }] as Array<Record<string, string>>) {
			const { status } = await fetch(`${door.url}${path}`, { method, headers })
			if (isOpen) assert.equal(status, 200, `${method} ${path}`)
			else assert.ok(status === 401 || status === 429, `${method} ${path} with ${JSON.stringify(headers)}: ${status}`)
		}
	}
})

for (const engine of engines) {
	test(`${engine.name}: a token lets in until it is revoked or has expired`, async (t) => {
		const door = await openDoor(t, { engine })
		const ask = async (token: string) => (await fetch(`${door.url}/openapi.json`, { headers: { authorization: `Bearer ${token}` } })).status
		const good = await door.token('read', { name: 'good' })
		assert.equal(await ask(good), 200)
		assert.equal(await ask(`${good}x`), 401)
		assert.equal(await ask(''), 401)
		const [{ used }] = await untilUsed(door, 'good')
		assert.ok(used > 0)
		// Made between two looks at the list, and used at once by many.
		const fresh = await door.token('read', { name: 'fresh' })
		assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, () => ask(fresh)))), new Set([200]))
		await door.driver.change("UPDATE token SET expires = 1 WHERE name = 'good'")
		const second = await door.second()
		const late = await fetch(`${second.addresses[0]}/openapi.json`, { headers: { authorization: `Bearer ${good}` } })
		assert.equal(late.status, 401)
		assert.deepEqual(await late.json(), { error: { code: 'HTTP_401', message: 'this token or signature does not hold' } })
	})
}

async function untilUsed(door: Awaited<ReturnType<typeof openDoor>>, name: string): Promise<Array<{ used: number }>> {
	for (;;) {
		const rows = await door.driver.all<{ used: number }>('SELECT used FROM token WHERE name = ?', [name])
		if (rows[0].used > 0) return rows
		await new Promise((resolve) => setTimeout(resolve, 20))
	}
}

test('a token is as good as a password, for clients that know only those', async (t) => {
	const door = await openDoor(t)
	const token = await door.token('read')
	const { status } = await fetch(`${door.url}/openapi.json`, { headers: { authorization: `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}` } })
	assert.equal(status, 200)
})

test('a token with a limit is told when to come again; wrong ones are slowed down by address', async (t) => {
	const door = await openDoor(t)
	const token = await door.token('read', { perMinute: 2 })
	const ask = (text: string) => fetch(`${door.url}/openapi.json`, { headers: { authorization: `Bearer ${text}` } })
	assert.deepEqual([(await ask(token)).status, (await ask(token)).status], [200, 200])
	// Who asks again too early does not have to wait the longer for it.
	for (let early = 0; early < 4; early++) {
		const refused = await ask(token)
		assert.equal(refused.status, 429)
		const seconds = Number(refused.headers.get('retry-after'))
		assert.ok(seconds >= 1 && seconds <= 30, `${seconds} s`)
	}
	const wrong: number[] = []
	for (let n = 0; n < 40; n++) wrong.push((await ask('cairn_wrong')).status)
	assert.deepEqual([wrong[0], wrong.at(-1)], [401, 429])
	const other = await door.token('read')
	while ((await ask(other)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
})

test('a limit holds at all addresses of a door together', async (t) => {
	const door = await openDoor(t, { listen: [{ at: '127.0.0.1:0' }, { at: '127.0.0.1:0', parts: ['files'] }] })
	const headers = { authorization: `Bearer ${await door.token('read', { perMinute: 2 })}` }
	const ask = async (number: number) => (await fetch(`${door.addresses[number]}/files/`, { headers })).status
	assert.deepEqual([await ask(0), await ask(1), await ask(0), await ask(1)], [200, 200, 429, 429])
})

test('whoever logs in with a token that has a limit has that limit', async (t) => {
	const door = await openDoor(t)
	const token = await door.token('read', { perMinute: 2 })
	const { headers, status } = await fetch(`${door.url}/login`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ token }) })
	assert.equal(status, 303)
	const [cookie] = (headers.get('set-cookie') ?? '').split(';')
	const ask = async () => (await fetch(`${door.url}/search?q=a`, { headers: { cookie } })).status
	assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 429])
	assert.equal((await fetch(`${door.url}/files/`, { headers: { authorization: `Bearer ${token}` } })).status, 429)
})

test('a token for a path holds below it, and not for what is only called alike', async (t) => {
	const door = await openDoor(t, { api: { publicPaths: ['open'] } })
	const token = await door.token('write', { paths: ['/photos/'] })
	for (const path of ['photos/a', 'photos2/a', 'open/a', 'open.a/a']) assert.equal((await door.fetch(`/files/${path}`, { method: 'PUT', body: 'text' })).status, 201)
	const mine = async (path: string) => (await fetch(`${door.url}/files/${path}`, { headers: { authorization: `Bearer ${token}` } })).status
	assert.deepEqual(await Promise.all(['photos/a', 'photos2/a', 'photo', 'photos/../photos2/a', ''].map(mine)), [200, 403, 403, 403, 403])
	const anybody = async (path: string) => (await fetch(`${door.url}/files/${path}`)).status
	assert.deepEqual(await Promise.all(['open/a', 'open.a/a', 'photos/a', ''].map(anybody)), [200, 401, 401, 401])
	// Figures about the whole tree, and the machines.
	const figures = ['/', '/metrics', '/events', '/search?q=a', '/status', '/dir/status', '/vol/status']
	const ask = async (path: string, headers: Record<string, string>) => (await fetch(door.url + path, { headers })).status
	assert.deepEqual(await Promise.all(figures.map((path) => ask(path, { authorization: `Bearer ${token}` }))), figures.map(() => 403))
	assert.deepEqual(await Promise.all(figures.map((path) => ask(path, {}))), figures.map(() => 401))
})

test('the page of a file says nothing of what is elsewhere, whatever leads there', async (t) => {
	const door = await openDoor(t, { api: { publicPaths: ['open'] } })
	for (const path of ['open/a', 'kept/secret']) assert.equal((await door.fetch(`/files/${path}`, { method: 'PUT', body: 'text' })).status, 201)
	await symlinkInTree(door, 'open/out', '../kept')
	await hardLinkInTree(door, 'kept/twin', 'open/a')
	const token = await knownToken(door, 'read', { paths: ['open'] })
	const as = async (path: string, init?: RequestInit) => {
		const response = await fetch(`${door.url}/tree/${path}`, init)
		return [response.status, /Also named/.test(await response.text())]
	}
	const mine = { headers: { authorization: `Bearer ${token}` } }
	assert.deepEqual(await Promise.all(['open/a', 'open/out', 'open/out/secret', 'kept/secret'].map((path) => as(path, mine))), [[200, false], [200, false], [403, false], [403, false]])
	assert.deepEqual(await Promise.all(['open/a', 'open/out/secret'].map((path) => as(path))), [[200, false], [401, false]])
	const everything = await door.fetch('/tree/open/a')
	assert.match(await everything.text(), /Also named.*kept\/twin/)
})

test('an address that lets anybody in does so there, and only as far as it says', async (t) => {
	const door = await openDoor(t, { listen: [{ at: '127.0.0.1:0', anybody: 'read' }, { at: '127.0.0.1:0' }] })
	assert.equal((await fetch(`${door.addresses[0]}/openapi.json`)).status, 200)
	assert.equal((await fetch(`${door.addresses[1]}/openapi.json`)).status, 401)
	assert.equal((await fetch(`${door.addresses[0]}/openapi.json`, { headers: { authorization: 'Bearer wrong' } })).status, 401)
})

test('an address that lets anybody in does so by its own names: a page may have another lead there', async (t) => {
	const listen: ListenConfig[] = [{ at: '127.0.0.1:0', anybody: 'write', hosts: ['storage.example'] }, { at: '127.0.0.1:0', anybody: 'read' }]
	const door = await openDoor(t, { listen, api: { publicPaths: ['open'] } })
	const token = await door.token('write')
	const asked = async (host: string, index = 0, more: Record<string, string> = {}) => {
		const { port } = new URL(door.addresses[index])
		const statuses = []
		for (const [method, path] of [['PUT', '/files/f'], ['GET', '/files/f'], ['GET', '/files/f'], ['GET', '/dir/assign']]) {
			const sent = request({ port, path, method, headers: { host, ...more }, agent: false })
			sent.end(method === 'PUT' ? 'x' : undefined)
			const [answer] = (await once(sent, 'response')) as [IncomingMessage]
			answer.resume()
			statuses.push(answer.statusCode)
		}
		return statuses
	}
	await asked('localhost')
	const { port } = new URL(door.url)
	for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`, 'localhost', `cairn:${port}`, `${hostname()}:1`, `STORAGE.example:${port}`, 'me.localhost']) assert.deepEqual(await asked(host), [200, 200, 200, 200], host)
	for (const host of [`evil.example:${port}`, '127.0.0.1.evil.example', 'storage.example.evil', 'localhost.evil']) {
		assert.deepEqual(await asked(host), [421, 421, 421, 421], host)
		assert.deepEqual(await asked(host, 0, { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }), [421, 421, 421, 421], host)
		assert.deepEqual(await asked(host, 0, { authorization: `Bearer ${token}` }), [200, 200, 200, 200], host)
	}
	assert.deepEqual(await asked('storage.example', 1), [421, 421, 421, 421])
	const plain = await plainConnection(door.url)
	const statusOf = async (host: string) => {
		plain.send(`GET /files/f HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
		return (await plain.answer()).status
	}
	assert.deepEqual([await statusOf('localhost'), await statusOf('evil.example'), await statusOf('localhost')], [200, 421, 200])
	plain.socket.destroy()
})

test('whoever comes by a socket may have any name: what passed him on has said that he may come', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-socket-'))
	t.after(() => rmSync(directory, { recursive: true }))
	const socketPath = join(directory, 'api.sock')
	const door = await openDoor(t, { listen: [{ at: `unix:${socketPath}`, anybody: 'read' }] })
	const asked = request({ socketPath, path: '/openapi.json', headers: { host: 'storage.example' }, agent: false }).end()
	const [answer] = (await once(asked, 'response')) as [IncomingMessage]
	answer.resume()
	assert.deepEqual([answer.statusCode, door.addresses], [200, [`unix:${socketPath}`]])
})

test('a signed address works as it was signed, for its method and its time', async (t) => {
	const door = await openDoor(t)
	const key = await run(signingKey(door.driver))
	const expires = Math.floor(Date.now() / 1000) + 60
	const at = (path: string, query: Record<string, string>) => fetch(`${door.url}${path}?${new URLSearchParams(query)}`)
	const signature = sign(key, { method: 'GET', target: '/openapi.json', expires })
	assert.equal((await at('/openapi.json', { expires: String(expires), signature })).status, 200)
	assert.equal((await at('/openapi.json', { expires: String(expires + 1), signature })).status, 401)
	assert.equal((await at('/openapi.json', { expires: '1', signature: sign(key, { method: 'GET', target: '/openapi.json', expires: 1 }) })).status, 401)
	assert.equal((await at('/openapi.json', { expires: String(expires), signature: sign(key, { method: 'PUT', target: '/openapi.json', expires }) })).status, 401)
	for (const wrong of ['', 'x', 'x'.repeat(43), 'ä'.repeat(43), signature.slice(1), `${signature}A`]) {
		assert.equal((await at('/openapi.json', { expires: String(expires), signature: wrong })).status, 401, wrong)
	}
})

test('a signed address whose query says which file is for that file', async (t) => {
	const door = await openDoor(t)
	const key = await run(signingKey(door.driver))
	for (const name of ['a b', 'other']) await door.fetch(`/files/${encodeURIComponent(name)}`, { method: 'PUT', body: name })
	await door.fetch('/files/dir/below', { method: 'PUT', body: 'x' })
	const expires = Math.floor(Date.now() / 1000) + 60
	const at = async (method: string, target: string) => (await fetch(door.url + target, { method })).status
	for (const target of ['/file?path=a%20b', '/file?path=a+b', '/api/v1/read?path=a%20b&length=1']) {
		const signed = signedTarget(key, { method: 'GET', target, expires })
		const other = signed.replace(/a(%20|\+)b/, 'other')
		assert.deepEqual([await at('GET', signed), await at('HEAD', signed), await at('GET', other)], [200, 200, 401], target)
		for (const more of [`${signed}&path=other`, other.replace('?', '?path=a%20b&'), signed.replace('?', '?path=other&'), signed.replace('expires', '%65xpires')]) assert.equal(await at('GET', more), 401, more)
	}
	const removing = signedTarget(key, { method: 'DELETE', target: '/files/dir', expires })
	assert.deepEqual([await at('DELETE', removing), await at('DELETE', `${removing}&recursive`)], [409, 401])
	assert.deepEqual(['/f', '/f?', '/f?expires=1&signature=x', '/f?a=1&expires=1&signature=x&b=?'].map(withoutSignature), ['/f', '/f', '/f', '/f?a=1&b=?'])
})

test('a signed address is for what is there itself, and not for where a symlink leads that came later', async (t) => {
	const door = await openDoor(t)
	const key = await run(signingKey(door.driver))
	await door.fetch('/files/private/f', { method: 'PUT', body: 'private' })
	await symlinkInTree(door, 'link', 'private/f')
	await symlinkInTree(door, 'way', 'private')
	const expires = Math.floor(Date.now() / 1000) + 60
	const at = async (method: string, target: string) => (await fetch(door.url + signedTarget(key, { method, target, expires }), { method })).status
	for (const [prefix, slash] of [['/files/', '/'], ['/files/', '//'], ['/dav/', '/'], ['/file?path=', '/'], ['/api/v1/read?path=', '/'], ['/api/v1/fileinfo?path=', '/']]) {
		assert.deepEqual([await at('GET', `${prefix}private${slash}f`), await at('GET', `${prefix}link`), await at('GET', `${prefix}way${slash}f`)], [200, 403, 403], prefix)
	}
	assert.deepEqual([await at('PUT', '/files/link'), await at('PUT', '/files/way/new'), await at('DELETE', '/files/way/f')], [403, 403, 403])
	assert.equal(await at('DELETE', '/files/link'), 204, 'the link itself')
})

test('pages of origins that are named may ask, others are told nothing', async (t) => {
	const door = await openDoor(t, { api: { corsOrigins: ['https://photos.example'] } })
	const ask = (origin: string) =>
		fetch(`${door.url}/openapi.json`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' } })
	const good = await ask('https://photos.example')
	assert.equal(good.status, 204)
	assert.equal(good.headers.get('access-control-allow-origin'), 'https://photos.example')
	assert.equal(good.headers.get('access-control-allow-headers'), 'authorization')
	assert.equal((await ask('https://other.example')).headers.get('access-control-allow-origin'), null)
})

test('a page of anybody changes nothing through the browser of who may', async (t) => {
	const corsOrigins = ['https://photos.example']
	const door = await openDoor(t, { listen: [{ at: '127.0.0.1:0', anybody: 'write' }, { at: '127.0.0.1:0' }], api: { corsOrigins } })
	const token = await door.token('admin')
	const known = { authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` }
	const remove = async (index: number, headers: Record<string, string>) => {
		assert.ok((await fetch(`${door.url}/files/.blobs/c/f`, { method: 'PUT', body: 'x' })).ok)
		// As a form, or a page that asks for no answer, can send it.
		return (await fetch(`${door.addresses[index]}/api/v1/delete`, { method: 'POST', body: '{"path":"/.blobs/c/f"}', headers: { 'content-type': 'text/plain', ...headers } })).status
	}
	for (const [index, own] of [[0, {}], [1, known]] as Array<[number, Record<string, string>]>) {
		const origin = door.addresses[index]
		assert.equal(await remove(index, { ...own, origin: 'https://evil.example' }), 403)
		assert.equal(await remove(index, { ...own, origin: 'null' }), 403)
		assert.equal(await remove(index, { ...own, 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' }), 403)
		assert.equal(await remove(index, { ...own, origin: corsOrigins[0] }), 200)
		assert.equal(await remove(index, { ...own, 'sec-fetch-site': 'cross-site', origin: corsOrigins[0] }), 200)
		assert.equal(await remove(index, { ...own, origin }), 200)
		assert.equal(await remove(index, { ...own, 'sec-fetch-site': 'none' }), 200)
		assert.equal(await remove(index, own), 200)
	}
	// An image of a page.
	assert.equal((await fetch(`${door.addresses[1]}/col/delete?collection=c`, { headers: { ...known, 'sec-fetch-site': 'cross-site' } })).status, 403)
	// Over plain HTTP a browser says nothing of the page that has it in a picture.
	for (const method of ['GET', 'HEAD']) assert.equal((await fetch(`${door.addresses[1]}/col/delete?collection=c`, { method, headers: { ...known, 'user-agent': 'Mozilla/5.0 (X11)' } })).status, 403)
	assert.equal((await fetch(`${door.addresses[1]}/col/delete?collection=c`, { headers: { ...known, 'user-agent': 'curl/8.0' } })).status, 204, 'no page asks in this way')
	assert.equal(await remove(1, { authorization: `Bearer ${token}`, origin: 'https://app.example' }), 200)
})

test('a picture of a page assigns nothing, and so before the router', async (t) => {
	const door = await openDoor(t, { listen: [{ at: '127.0.0.1:0', anybody: 'write' }] })
	const status = async (program: string) => {
		const connection = await plainConnection(door.url)
		t.after(() => connection.socket.destroy())
		return (await connection.ask('/dir/assign', { headers: { 'User-Agent': program } })).status
	}
	assert.deepEqual([await status('curl/8.0'), await status('Mozilla/5.0 (X11)')], [200, 403])
})

test('what a browser kept of an image is not given to a page that asks for it as one of another origin', async (t) => {
	for (const corsOrigins of [['https://photos.example'], ['*']]) {
		const door = await openDoor(t, { listen: [{ at: '127.0.0.1:0', anybody: 'write' }], api: { corsOrigins } })
		await fetch(`${door.url}/files/f`, { method: 'PUT', body: 'x' })
		// The second is known, and does not come by the router.
		for (const headers of [{}, {}, { origin: 'https://photos.example' }, { 'if-none-match': '*' }] as Array<Record<string, string>>) {
			assert.equal((await fetch(`${door.url}/files/f`, { headers })).headers.get('vary'), 'Origin')
		}
	}
})

test('a door says that it changes the tree before it does so, and only then', async (t) => {
	const door = await openDoor(t)
	const what = async () => (await door.driver.get<{ what: string }>('SELECT what FROM client WHERE what LIKE ?', ['api%']))?.what
	assert.equal((await door.fetch('/files/')).status, 200)
	assert.equal((await fetch(`${door.url}/files/f`, { method: 'PUT', body: 'x' })).status, 401)
	assert.equal(await what(), QUIET_DOOR)
	assert.equal((await door.fetch('/files/f', { method: 'PUT', body: 'x' })).status, 201)
	assert.equal(await what(), 'api')
})
