/** Clients that send or take next to nothing, and those that are only slow. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestContext, test } from 'node:test'
import { createPatience } from '../../api/pace.ts'
import { openPaths } from '../support/descriptors.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'
import { ANYBODY, ask } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'

const STEP_MS = 20
const LARGE_BYTES = 64 * 1024 * 1024
const SLOW_MS = 300
const HELD_UP_BYTES = 4_000_000

function begin({ url }: TestDoor, head: string) {
	const { hostname, port } = new URL(url)
	const socket = connect(Number(port), hostname).on('error', () => undefined)
	socket.write(`${head}\r\nhost: x\r\n\r\n`)
	return socket
}

/** As long as it takes to become too slow, and no rate of a test's own is slow. */
const quick = (t: TestContext) => openDoor(t, { nodes: 1, listen: ANYBODY, api: { slowMs: 300, slowBytesPerSecond: 1_000_000_000 } })

test('a line of 64 kbit/s that eight share is never too slow, whatever the pauses; a byte each two seconds is, after a minute', () => {
	const pace = { slowMs: 60_000, slowBytesPerSecond: 256 }
	const shared = createPatience(pace)
	for (let second = 0; second < 86_400; second++) assert.ok(shared(1_000, 1_000))
	for (let second = 0; second < 59; second++) assert.ok(shared(1_000, 0), 'in a tunnel')
	assert.ok(shared(1_000, 1_000))
	const trickle = createPatience(pace)
	let seconds = 0
	while (trickle(2_000, 1)) seconds += 2
	assert.ok(seconds >= 58 && seconds <= 64, `${seconds}`)
})

test('a body that is read whole: 408, and the connection ends', async (t) => {
	const door = await quick(t)
	const socket = begin(door, 'POST /api/v1/mkdir HTTP/1.1\r\ncontent-length: 1000')
	let answer = ''
	socket.on('data', (chunk) => (answer += chunk))
	const dripping = setInterval(() => socket.write(' '), STEP_MS)
	await new Promise((resolve) => socket.on('close', resolve))
	clearInterval(dripping)
	assert.match(answer, /^HTTP\/1\.1 408 .*\r\nconnection: close\r\n.*"success":false/s)
})

test('what came of an upload in parts stays, and it goes on from there', async (t) => {
	const door = await quick(t)
	const tus = { 'tus-resumable': '1.0.0' }
	const made = await ask(door, { method: 'POST', target: '/uploads', headers: { ...tus, 'upload-length': '10', 'upload-metadata': `path ${Buffer.from('slow').toString('base64')}` } })
	const target = String(made.headers.location)
	const socket = begin(door, `PATCH ${target} HTTP/1.1\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\ncontent-length: 10`)
	socket.resume().write('hello')
	await new Promise((resolve) => socket.on('close', resolve))
	const offset = await until('what came is there', async () => (await ask(door, { method: 'HEAD', target, headers: tus })).headers['upload-offset'])
	assert.equal(offset, '5')
	const rest = await ask(door, { method: 'PATCH', target, headers: { ...tus, 'upload-offset': '5', 'content-type': 'application/offset+octet-stream' }, body: 'world' })
	assert.equal(rest.status, 204)
	assert.equal((await ask(door, { method: 'GET', target: '/files/slow' })).body.toString(), 'helloworld')
})

test('a reader who takes a little now and then holds the file no longer', async (t) => {
	const door = await quick(t)
	await ask(door, { method: 'PUT', target: '/files/large', body: Buffer.alloc(LARGE_BYTES) })
	const isOpen = () => openPaths().includes(door.node(1, 'large'))
	for (const range of ['', '\r\nrange: bytes=0-20000000,30000000-60000000']) {
		const socket = begin(door, `GET /files/large HTTP/1.1${range}`)
		// That it is being sent: the moment in which the file is open may be too short to be seen.
		await once(socket, 'readable')
		const taking = setInterval(() => void socket.read(1), STEP_MS)
		await until('nobody has it open', () => !isOpen() || undefined)
		clearInterval(taking)
		socket.destroy()
	}
	assert.deepEqual(door.reports, [])
})

test('who waits for a node that hangs is not too slow', async (t) => {
	const away = mkdtempSync(join(tmpdir(), 'cairn-hung-'))
	t.after(() => rmSync(away, { recursive: true, force: true }))
	let server: SshfsMount | undefined
	t.after(() => server?.stop())
	const door = await openDoor(t, {
		nodes: 1,
		listen: ANYBODY,
		api: { slowMs: SLOW_MS, slowBytesPerSecond: 1_000 },
		config: { nodeDeadlineMs: 30_000 },
		async mount(path) {
			server = await mountSshfs(away, path)
		},
	})
	const { hang, resume } = server as SshfsMount
	await ask(door, { method: 'PUT', target: '/files/there', body: Buffer.alloc(HELD_UP_BYTES) })
	hang()
	const put = ask(door, { method: 'PUT', target: '/files/f', body: Buffer.alloc(HELD_UP_BYTES) })
	const get = ask(door, { method: 'GET', target: '/files/there' })
	const asking = begin(door, `PUT /files/asked HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: ${HELD_UP_BYTES}`)
	const word = once(asking, 'data')
	await sleep(5 * SLOW_MS)
	resume()
	assert.match(String((await word)[0]), /^HTTP\/1\.1 100 /)
	asking.destroy()
	assert.deepEqual([(await put).status, (await get).status, (await get).body.length], [201, 200, HELD_UP_BYTES])
})
