/** Bodies that are cut off, too long, too slow, not what their hash says, and ranges of nothing: in every dialect, and nothing is left of them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ApiConfig } from '../../core/config/types.ts'
import { until } from '../support/until.ts'
import { ANYBODY, ask, type Dialect, dialects, type Sent, type Target } from './dialects.ts'
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
				const [, status, head, body] = /^HTTP\/1\.1 (\d+) .*?\r\n(.*?)\r\n\r\n(.*)$/s.exec(answer) ?? []
				assert.equal(status, '408', answer)
				const headers = Object.fromEntries(head.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
				assert.ok(ground.dialect.reason({ status: 408, headers, body: Buffer.from(body) }), answer)
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
