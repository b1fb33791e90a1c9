/** Bodies that are cut off, too long, too slow, not what their hash says, and ranges of nothing: in every dialect, and nothing is left of them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ApiConfig } from '../../core/config/types.ts'
import { until } from '../support/until.ts'
import { type Answer, ANYBODY, ask, type Dialect, dialects, type Sent, type Target } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'
import { filesBelow, standing } from './left-behind.ts'

const BEFORE = 'as it was before'
const LIMIT_BYTES = 1_500_000
const HERCULES_BYTES_MAX = 16 * 1024 * 1024
const IDLE_MS = 300
const DRIP_MS = 20
/** As much as makes a door write what came to a node, and some more that does not come. */
const SENT_BYTES = 700_000
const ANNOUNCED_BYTES = 1_000_000
const WRONG_MD5 = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
const WRONG_SHA256 = { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }

const open = (t: TestContext, api: Partial<ApiConfig> = {}) =>
	openDoor(t, { nodes: 1, listen: ANYBODY, api: { ...api, sfssBytesMax: LIMIT_BYTES, objectBytesMax: LIMIT_BYTES } })

interface Ground {
	door: TestDoor
	dialect: Dialect
	target: Target
}

/** What was there is there, and nothing else. */
async function unharmed(t: TestContext, what: string, body: (ground: Ground) => Promise<void>, api?: Partial<ApiConfig>): Promise<void> {
	const door = await open(t, api)
	for (const dialect of dialects) {
		await t.test(`${dialect.name}: ${what}`, async () => {
			const target = await dialect.prepare(door, `f-${dialect.name}`, BEFORE)
			const before = await standing(door)
			await body({ door, dialect, target })
			await until('nothing is left of it', () => filesBelow(door.node(1)).every((each) => !each.startsWith('/.cairn/uploads/')) || undefined)
			assert.deepEqual(await standing(door), before)
			assert.equal((await ask(door, target.read)).body.toString(), BEFORE)
		})
	}
	assert.deepEqual(door.reports, [])
}

async function refused({ door, dialect }: Ground, sent: Sent, status: number): Promise<void> {
	const answer = await ask(door, sent)
	assert.equal(answer.status, status, `${sent.method} ${sent.target}: ${answer.body}`)
	assert.ok(dialect.reason(answer), `${sent.method} ${sent.target}: ${answer.body}`)
}

const targetsOf = ({ target: { write, fresh } }: Ground) => [write, ...(fresh ? [fresh] : [])]

function parsed(answer: string): Answer {
	const [, status, head = '', body = ''] = /^HTTP\/1\.1 (\d+) .*?\r\n(.*?)\r\n\r\n(.*)$/s.exec(answer) ?? []
	const headers = Object.fromEntries(head.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
	return { status: Number(status), headers, body: Buffer.from(body) }
}

function begin({ door }: Ground, { method, target }: Sent, ...headers: string[]): Socket {
	const { hostname, port } = new URL(door.url)
	const socket = connect(Number(port), hostname).on('error', () => undefined).resume()
	socket.write(`${method} ${target} HTTP/1.1\r\nhost: x\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`)
	return socket
}

/** Hercules' writes are gathered first: nothing of them can be seen on a node. */
async function arrives({ door, dialect }: Ground): Promise<void> {
	if (dialect.name !== 'hercules') await until('it is on a node', () => filesBelow(door.node(1)).some((each) => each.startsWith('/.cairn/uploads/')) || undefined)
}

test('cut off in the middle', async (t) => {
	await unharmed(t, 'the connection ends', async (ground) => {
		for (const sent of targetsOf(ground)) {
			const socket = begin(ground, sent, `content-length: ${ANNOUNCED_BYTES}`)
			socket.write(Buffer.alloc(SENT_BYTES))
			await arrives(ground)
			socket.destroy()
			await once(socket, 'close')
		}
	})
})

test('shorter than was said, and a chunk that is none', async (t) => {
	await unharmed(t, 'no more comes', async (ground) => {
		for (const sent of targetsOf(ground)) {
			for (const [header, content] of [[`content-length: ${ANNOUNCED_BYTES}`, 'short'], ['transfer-encoding: chunked', '5\r\nhello\r\nZZ\r\n'], ['transfer-encoding: chunked', '5\r\nhello\r\n']] as const) {
				const socket = begin(ground, sent, header)
				const closed = once(socket, 'close')
				let answer = ''
				socket.on('data', (chunk) => (answer += chunk)).end(content)
				await closed
				assert.match(answer, /^$|^HTTP\/1\.1 400 /)
			}
		}
	})
})

test('not what its hash says, or a part only', async (t) => {
	await unharmed(t, 'another hash', async (ground) => {
		for (const sent of targetsOf(ground)) {
			await refused(ground, { ...sent, body: 'content', headers: WRONG_MD5 }, 400)
			if (ground.dialect.name !== 'objects') await refused(ground, { ...sent, body: 'content', headers: WRONG_SHA256 }, 400)
			if (ground.dialect.name !== 'hercules') await refused(ground, { ...sent, body: 'content', headers: { 'content-range': 'bytes 0-6/70' } }, 400)
		}
	})
})

test('longer than may be', async (t) => {
	await unharmed(t, 'over the limit', async (ground) => {
		const { name } = ground.dialect
		// Files are as large as they are.
		if (name === 'files' || name === 'dav') return
		const body = Buffer.alloc((name === 'hercules' ? HERCULES_BYTES_MAX : LIMIT_BYTES) + 1)
		for (const sent of targetsOf(ground)) for (const chunked of [false, true]) await refused(ground, { ...sent, body, chunked }, 413)
	})
})

test('refused while much of it is still to come', async (t) => {
	await unharmed(t, 'all of the answer arrives, and nothing more is looked for on the connection', async (ground) => {
		const { door, dialect } = ground
		const bytes = dialect.name === 'hercules' ? HERCULES_BYTES_MAX + 4_000_000 : 20_000_000
		const said = dialect.name === 'hercules' ? [] : ['content-range: bytes 0-6/70']
		for (const sent of targetsOf(ground)) {
			const socket = begin(ground, sent, `content-length: ${bytes}`, ...said).pause()
			const closed = once(socket, 'close')
			// Whoever writes first and reads then, as many programs do.
			await new Promise((resolve) => socket.write(Buffer.alloc(bytes), resolve))
			socket.write('PUT /files/behind HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx')
			let text = ''
			socket.on('data', (chunk) => (text += chunk)).resume()
			await closed
			assert.equal(parsed(text).status, dialect.name === 'hercules' ? 413 : 400, text)
			assert.ok(dialect.reason(parsed(text)), text)
			assert.equal((await ask(door, { method: 'GET', target: '/files/behind' })).status, 404)
		}
	})
})

test('refused, and it never ends', async (t) => {
	const door = await open(t)
	const [{ hostname, port }, dialect] = [new URL(door.url), dialects[0]]
	const target = await dialect.prepare(door, 'endless', BEFORE)
	const socket = connect(Number(port), hostname).on('error', () => undefined).resume()
	// With an error or without.
	const closed = new Promise((resolve) => socket.on('close', resolve))
	socket.write(`${target.write.method} ${target.write.target} HTTP/1.1\r\nhost: x\r\ncontent-range: bytes 0-6/70\r\ncontent-length: ${10 ** 12}\r\n\r\n`)
	const piece = Buffer.alloc(1_048_576)
	const more = () => void socket.write(piece, (error) => error ?? more())
	more()
	await closed
	assert.equal((await ask(door, target.read)).body.toString(), BEFORE)
})

test('slower than the door waits', async (t) => {
	await unharmed(
		t,
		'nothing more comes',
		async (ground) => {
			await Promise.all(
				targetsOf(ground).map(async (sent) => {
					const socket = begin(ground, sent, `content-length: ${ANNOUNCED_BYTES}`)
					const closed = once(socket, 'close')
					socket.write(Buffer.alloc(SENT_BYTES))
					await closed
				}),
			)
			const { door, target } = ground
			assert.equal((await ask(door, target.read)).status, 200, 'others are served')
		},
		{ idleMs: IDLE_MS },
	)
})

test('a byte now and then', async (t) => {
	await unharmed(
		t,
		'it trickles',
		async (ground) => {
			for (const sent of targetsOf(ground)) {
				const socket = begin(ground, sent, `content-length: ${ANNOUNCED_BYTES}`)
				let answer = ''
				socket.on('data', (chunk) => (answer += chunk)).write(Buffer.alloc(SENT_BYTES))
				const dripping = setInterval(() => socket.write('.'), DRIP_MS)
				// What was sent on meanwhile may make an error of the end.
				await new Promise((resolve) => socket.on('close', resolve))
				clearInterval(dripping)
				const said = parsed(answer)
				assert.equal(said.status, 408, answer)
				assert.ok(ground.dialect.reason(said), answer)
			}
		},
		{ slowMs: 400, slowBytesPerSecond: 100_000 },
	)
})

test('ranges past the end', async (t) => {
	await unharmed(t, 'a range', async (ground) => {
		const { door, dialect, target } = ground
		if (dialect.name === 'hercules') {
			const past = await ask(door, { ...target.read, target: `${target.read.target}&offset=1000` })
			assert.deepEqual([past.status, past.headers['x-bytes-read'], past.body.length], [200, '0', 0])
			return
		}
		for (const range of ['bytes=16-', 'bytes=1000-2000', 'bytes=99999999999999999999-', 'bytes=-0']) {
			const sent = { ...target.read, headers: { range } }
			await refused(ground, sent, 416)
			assert.equal((await ask(door, sent)).headers['content-range'], `bytes */${BEFORE.length}`)
		}
		const clipped = await ask(door, { ...target.read, headers: { range: 'bytes=3-99999' } })
		assert.deepEqual([clipped.status, clipped.body.toString()], [206, BEFORE.slice(3)])
	})
})
