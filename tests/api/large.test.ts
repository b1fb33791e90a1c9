/** Large files, whose bytes go from the disk to the connection. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'
import { openDoor } from './door.ts'
import { plainConnection } from './plain-connection.ts'

const BYTES = 24 * 1024 * 1024
const content = randomBytes(BYTES)

test('a large file and ranges of it arrive as they are, one after the other on one connection, at whatever pace', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await door.fetch('/files/large', { method: 'PUT', body: content })
	const connection = await plainConnection(door.url, await door.token('read'))
	t.after(() => connection.socket.destroy())
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const { below } = randomFrom(seed)
	assert.ok((await connection.ask('/files/large')).body.equals(content))
	for (let time = 0; time < 8; time++) {
		const start = below(BYTES)
		const end = start + below(BYTES - start)
		const resting = time % 2 === 0 ? setInterval(() => (connection.socket.isPaused() ? connection.socket.resume() : connection.socket.pause()), 5) : undefined
		const { status, body } = await connection.ask('/files/large', { headers: { range: `bytes=${start}-${end}` } })
		clearInterval(resting)
		connection.socket.resume()
		assert.equal(status, 206)
		assert.ok(body.equals(content.subarray(start, end + 1)), `${start} to ${end}`)
	}
	assert.equal((await connection.ask('/files/large', { method: 'HEAD' })).headers['content-length'], String(BYTES))
})

test('many at once get all of it', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const part = content.subarray(0, 400_000)
	await door.fetch('/files/large', { method: 'PUT', body: part })
	const token = await door.token('read')
	const all = await Promise.all(
		Array.from({ length: 300 }, async () => {
			const connection = await plainConnection(door.url, token)
			const { body } = await connection.ask('/files/large')
			connection.socket.destroy()
			return body.length
		}),
	)
	assert.deepEqual([...new Set(all)], [part.length])
	assert.deepEqual(door.reports, [])
})

test('whoever goes away in the middle leaves nothing open', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await door.fetch('/files/large', { method: 'PUT', body: content })
	await (await door.fetch('/files/large')).arrayBuffer()
	const token = await door.token('read')
	const { hostname, port } = new URL(door.url)
	const open = () => readdirSync('/proc/self/fd').length
	const before = open()
	const sockets = Array.from({ length: 30 }, () => connect(Number(port), hostname))
	for (const [index, socket] of sockets.entries()) {
		socket.on('error', () => undefined).write(`GET /files/large HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`)
		let got = 0
		socket.on('data', (chunk) => {
			got += chunk.length
			if (got > index * 700_000) socket.destroy()
		})
	}
	await until('all of it is closed', () => (sockets.every(({ destroyed }) => destroyed) && open() <= before ? true : undefined))
	assert.ok(Buffer.from(await (await door.fetch('/files/large')).arrayBuffer()).equals(content))
})
