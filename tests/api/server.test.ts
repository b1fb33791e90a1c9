/** What every address does whoever asks: how it is, what it bears, and how it ends. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLimits } from '../../api/access/limits.ts'
import { createServer } from '../../api/server.ts'
import type { Api } from '../../api/api.ts'
import { openRequestLog } from '../../api/log.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { ANYBODY } from './dialects.ts'
import { openDoor } from './door.ts'

for (const engine of engines) {
	test(`${engine.name}: ready says why not`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const ready = async () => {
			const answer = await fetch(`${door.url}/ready`)
			return [answer.status, ((await answer.json()) as { reasons: string[] }).reasons]
		}
		assert.deepEqual(await ready(), [200, []])
		renameSync(door.node(1, '.cairn'), join(door.directory, 'elsewhere'))
		await door.driver.change("UPDATE node SET state = 'down'")
		await door.reload()
		assert.deepEqual(await ready(), [503, ['no node is in service']])
		assert.equal((await fetch(`${door.url}/health`)).status, 200)
	})
}

test('a route that does not say who may use it keeps the server from starting', async (t) => {
	const door = await openDoor(t)
	const config = structuredClone(door.config)
	const api = { fs: { catalogue: door.driver, capabilities: door.driver.capabilities }, config, tokens: { stale: () => undefined }, limits: createLimits(), report: () => undefined, stopping: new AbortController().signal } as unknown as Api
	const { app } = await createServer(api, { at: '127.0.0.1:0', parts: [] }, openRequestLog('', () => undefined))
	t.after(() => app.close())
	assert.throws(() => app.get('/forgotten', async () => 'secret'), /route GET \/forgotten does not say who may use it/)
})

test('a thousand connections that say nothing and heads that never end do not keep others out', async (t) => {
	const door = await openDoor(t, { api: { idleMs: 500 } })
	const { port } = new URL(door.url)
	const sockets: Socket[] = []
	t.after(() => sockets.forEach((socket) => void socket.destroy()))
	let ended = 0
	for (let n = 0; n < 1_000; n++) {
		const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined).on('close', () => ended++).resume()
		if (n % 2 === 0) socket.write('GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ')
		sockets.push(socket)
	}
	assert.equal((await fetch(`${door.url}/health`)).status, 200)
	await until('they are ended', () => ended === 1_000 || undefined)
})

test('who has heard the last answer and does not hang up keeps no connection', async (t) => {
	const door = await openDoor(t, { listen: ANYBODY, api: { idleMs: 500 } })
	const { port } = new URL(door.url)
	await (await door.fetch('/files/f', { method: 'PUT', body: 'content' })).text()
	const here = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
	const before = here()
	const sockets = Array.from({ length: 40 }, () => connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }).resume())
	t.after(() => sockets.forEach((socket) => void socket.destroy()))
	for (const socket of sockets.slice(20)) socket.write('GET /files/f HTTP/1.1\r\nhost: x\r\n\r\n')
	await Promise.all(sockets.map((socket) => once(socket, 'end')))
	await until('this end only has them', () => here() <= before + sockets.length || undefined)
})

test('a head and a body that are too large are refused, and the next request is served', async (t) => {
	const door = await openDoor(t)
	const large = await fetch(`${door.url}/health`, { headers: { 'x-large': 'x'.repeat(100_000) } })
	assert.equal(large.status, 431)
	assert.equal((await fetch(`${door.url}/health`)).status, 200)
})

test('the request log has who and what, and no secret', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-log-'))
	t.after(() => rmSync(folder, { recursive: true, force: true }))
	const log = join(folder, 'requests')
	const door = await openDoor(t, { api: { requestLog: log } })
	await door.fetch('/openapi.json?signature=SECRET&expires=1&x=%0A')
	await fetch(`${door.url}/health?token=SECRET`)
	await until('two lines', () => readFileSync(log, 'utf8').trim().split('\n').length === 2 || undefined)
	const [first, second] = readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
	assert.match(first.who, /^token \d+/)
	assert.deepEqual([first.method, first.status, first.url], ['GET', 200, '/openapi.json?signature=...&expires=1&x=%0A'])
	assert.equal(second.url, '/health?token=...')
})

test('the request log goes on when its disk has room again, and in a new file when the old one was moved away', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-log-'))
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder])
	t.after(() => {
		execFileSync('umount', ['-l', folder])
		rmSync(folder, { recursive: true, force: true })
	})
	const [log, old, filling] = ['requests', 'old', 'filling'].map((name) => join(folder, name))
	const door = await openDoor(t, { api: { requestLog: log } })
	const ask = (name: string) => door.fetch(`/files/${name}`)
	// What was being written when there was no room may be half there.
	const lines = () => (existsSync(log) ? readFileSync(log, 'utf8') : '').split('\n').filter((line) => line.endsWith('}'))
	const urls = () => lines().map((line) => JSON.parse(line).url as string)
	await ask('first')
	await until('the first is there', () => urls().includes('/files/first') || undefined)
	writeFileSync(filling, '')
	assert.throws(() => appendFileSync(filling, Buffer.alloc(100_000)), { code: 'ENOSPC' })
	await until('it is full', async () => {
		await ask('lost'.padEnd(2_000, '-'))
		return door.reports.some((line) => line.includes('ENOSPC')) || undefined
	})
	await ask('lost')
	rmSync(filling)
	await until('it goes on', async () => {
		await ask('found')
		return urls().includes('/files/found') || undefined
	})
	assert.ok(urls().includes('/files/first'))
	assert.equal(door.reports.filter((line) => line.startsWith('request log')).length, 1, 'said once')
	renameSync(log, old)
	await ask('second')
	await until('the second is there', () => urls().includes('/files/second') || undefined)
	await ask('last')
	await door.stop()
	assert.ok(urls().includes('/files/last'), 'all of it is written at the end')
})

test('stopping ends connections that are idle and refuses new ones', async (t) => {
	const door = await openDoor(t)
	await fetch(`${door.url}/health`)
	await door.stop()
	await assert.rejects(fetch(`${door.url}/health`))
	assert.deepEqual(await door.driver.all('SELECT * FROM client'), [])
})

test('two doors on one catalogue know the same tokens', async (t) => {
	const door = await openDoor(t)
	const other = await door.second()
	const token = await door.token('read')
	for (const address of [door.url, other.addresses[0]]) {
		const ask = async () => (await fetch(`${address}/openapi.json`, { headers: { authorization: `Bearer ${token}` } })).status
		await until('it is known', async () => (await ask()) === 200 || undefined)
	}
	assert.notEqual(door.url, other.addresses[0])
})
