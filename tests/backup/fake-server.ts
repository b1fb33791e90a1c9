/**
 * A server of the backup protocol in memory, written from docs/BACKUP-PROTOCOL.md, that can be told to misbehave. It checks every
 * signature, leases what has not been reported, and writes down what it was told.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hashOf, signatureOf } from '../../core/off-site/signature.ts'

export const SITE = 'attic'
export const KEY = 'cairn-key-example'

export interface Offered {
	id: number
	version: number
	path: Buffer
	content: Buffer
	/** What the server says of it, where that is not so. */
	says?: { size?: number; hash?: string | null; path64?: string }
	mtimeS?: number
}

export interface Reported {
	id: number
	version: number
	size?: number
	hash?: string
	error?: string
}

export type Misbehave = (request: IncomingMessage, response: ServerResponse, offered?: Offered) => boolean

export interface FakeServer {
	url: string
	files: Map<number, Offered>
	/** By id: what counts as a copy. */
	claimed: Map<number, Reported>
	failed: Reported[]
	requests: string[]
	/** `Range` of each file that was fetched. */
	ranges: string[]
	orders: { order: number; path: Buffer; hash: string | null; size: number; received: Buffer; failed?: string; done?: boolean }[]
	challenges: { challenge: number; id: number; key: string; ranges: [number, number][]; result?: string }[]
	notices: { seq: number; kind: string; path: Buffer; more?: object }[]
	hello: { paused?: boolean; bytesPerSecond?: number; parallel?: number; filesPerBatch?: number; direct?: string | null }
	/** True: it has answered. */
	misbehave: Misbehave | undefined
	/** Of these what is asked is done, and the answer is lost on the way. */
	isLost: ((request: string) => boolean) | undefined
	clockAheadS: number
	/** Answers for bundles; without it the server has no such route. */
	bundle: ((files: Offered[], response: ServerResponse) => void) | undefined
	/** Files given out and not reported, by lease. */
	leases: Map<string, Set<number>>
	offer(path: string | Buffer, content: Buffer | string, more?: Partial<Offered>): Offered
	stop(): Promise<void>
}

export async function startFakeServer(): Promise<FakeServer> {
	const nonces = new Set<string>()
	const state: FakeServer = {
		url: '',
		files: new Map(),
		claimed: new Map(),
		failed: [],
		requests: [],
		ranges: [],
		orders: [],
		challenges: [],
		notices: [],
		hello: {},
		misbehave: undefined,
		isLost: undefined,
		clockAheadS: 0,
		bundle: undefined,
		leases: new Map(),
		offer(path, content, more = {}) {
			const id = more.id ?? state.files.size + 1
			const offered = { id, version: 1, path: Buffer.from(path), content: Buffer.from(content), ...more }
			state.files.set(id, offered)
			return offered
		},
		stop: async () => {
			server.closeAllConnections()
			server.close()
			await once(server, 'close')
		},
	}
	const server = createServer((request, response) => {
		const parts: Buffer[] = []
		request.on('data', (part: Buffer) => parts.push(part))
		request.on('end', () => answer(state, nonces, { request, response, body: Buffer.concat(parts) }))
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
	return state
}

interface Call {
	request: IncomingMessage
	response: ServerResponse
	body: Buffer
}

function answer(state: FakeServer, nonces: Set<string>, { request, response, body }: Call): void {
	const target = request.url as string
	state.requests.push(`${request.method} ${target}`)
	const send = (status: number, value: object) => {
		if (state.isLost?.(`${request.method} ${target}`)) return void response.destroy()
		response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
	}
	const problem = signatureProblem(state, nonces, request, body)
	if (problem) return send(401, problem)
	const file = /^\/backup\/v1\/file\/(\d+)\/(\d+)$/.exec(target)
	const offered = file ? state.files.get(Number(file[1])) : undefined
	if (state.misbehave?.(request, response, offered)) return
	if (file) return sendFile(state, { request, response }, offered)
	if (state.bundle && target === '/backup/v1/bundle') {
		const asked = (JSON.parse(body.toString()) as { files: { id: number }[] }).files
		return state.bundle(asked.map(({ id }) => state.files.get(id) as Offered), response)
	}
	const upload = /^\/backup\/v1\/orders\/(\d+)\?offset=(\d+)$/.exec(target)
	if (upload) return takePart(state, { send, body, order: Number(upload[1]), offset: Number(upload[2]) })
	const [path] = target.replace('/backup/v1', '').split('?')
	const handler = HANDLERS[`${request.method} ${(path as string).replace(/\d+/, '#').replace(/lease\/[^/]+/, 'lease/#')}`]
	if (!handler) return send(404, { error: 'not-found', message: 'no such route' })
	const given = body.length > 0 ? JSON.parse(body.toString()) : {}
	send(200, handler(state, given, target))
}

function signatureProblem(state: FakeServer, nonces: Set<string>, request: IncomingMessage, body: Buffer): object | undefined {
	const [scheme, site = '', agent = '', time = '', nonce = '', bodyHash = '', signature] = (request.headers.authorization ?? '').split(' ')
	const expected = signatureOf(KEY, { method: request.method as string, target: request.url as string, site, agent, time, nonce, body: bodyHash })
	if (scheme !== 'Cairn' || site !== SITE || bodyHash !== hashOf(body) || signature !== expected.toString('hex')) {
		return { error: 'signature', message: 'not signed rightly' }
	}
	const serverAt = Math.floor(Date.now() / 1000) + state.clockAheadS
	if (Math.abs(serverAt - Number(time)) > 300) return { error: 'clock', message: 'the clock is wrong', serverAt, yourAt: Number(time), windowS: 300 }
	if (nonces.has(nonce)) return { error: 'replay', message: 'seen before' }
	nonces.add(nonce)
	return undefined
}

type Given = { [key: string]: unknown }

const HANDLERS: { [route: string]: (state: FakeServer, given: Given, target: string) => object } = {
	'POST /hello': (state, { starting }) => {
		if (starting) state.leases.clear()
		return helloOf(state)
	},
	'POST /lease': (state, { files = 500, holding }) => {
		for (const known of state.leases.keys()) if (Array.isArray(holding) && !holding.includes(known)) state.leases.delete(known)
		const leased = new Set([...state.leases.values()].flatMap((ids) => [...ids]))
		const wanted = [...state.files.values()].filter(({ id, version }) => {
			return !leased.has(id) && state.claimed.get(id)?.version !== version && !state.failed.some((failed) => failed.id === id && failed.version === version)
		})
		const some = wanted.slice(0, files as number)
		const lease = some.length > 0 ? `lease-${state.requests.length}` : null
		if (lease) state.leases.set(lease, new Set(some.map(({ id }) => id)))
		return { lease, untilAt: Math.floor(Date.now() / 1000) + state.clockAheadS + 900, retryAfterS: 0, files: some.map(itemOf) }
	},
	'POST /lease/#/renew': () => ({ untilAt: Math.floor(Date.now() / 1000) + 900 }),
	'DELETE /lease/#': (state, _, target) => {
		state.leases.delete(target.split('/').at(-1) as string)
		return {}
	},
	'POST /report': (state, { files }) => ({
		results: (files as Reported[]).map((reported) => {
			const offered = state.files.get(reported.id)
			for (const ids of state.leases.values()) ids.delete(reported.id)
			if (reported.error) {
				state.failed.push(reported)
				return { id: reported.id, result: 'failed' }
			}
			if (!offered) return { id: reported.id, result: 'gone' }
			if (reported.hash !== hashOf(offered.content) || reported.size !== offered.content.length) return { id: reported.id, result: 'mismatch' }
			state.claimed.set(reported.id, reported)
			return { id: reported.id, result: 'claimed' }
		}),
	}),
	'POST /walk': (state, { files }) => ({
		results: (files as { path64: string; size: number; hash?: string }[]).map(({ path64, size, hash }) => {
			const offered = [...state.files.values()].find(({ path }) => path.toString('base64') === path64)
			if (!offered) return { result: 'unknown' }
			if (offered.content.length !== size) return { result: 'differs' }
			if (hash === undefined) return { result: 'hash' }
			if (hash !== hashOf(offered.content)) return { result: 'differs' }
			state.claimed.set(offered.id, { id: offered.id, version: offered.version, size, hash })
			return { result: 'current', id: offered.id, version: offered.version }
		}),
	}),
	'GET /challenges': (state) => ({
		challenges: state.challenges
			.filter(({ result }) => result === undefined)
			.map(({ challenge, id, key, ranges }) => ({ ...itemOf(state.files.get(id) as Offered), challenge, key, ranges })),
	}),
	'POST /challenges': (state, { answers }) => ({
		results: (answers as { challenge: number; proof?: string; error?: string }[]).map(({ challenge, proof, error }) => {
			const asked = state.challenges.find((one) => one.challenge === challenge)
			if (!asked) return { challenge, result: 'void' }
			const { content } = state.files.get(asked.id) as Offered
			const mac = createHmac('sha256', Buffer.from(asked.key, 'hex'))
			for (const [offset, length] of asked.ranges) mac.update(content.subarray(offset, offset + length))
			asked.result = error ?? (proof === mac.digest('hex') ? 'proved' : 'failed')
			return { challenge, result: asked.result === 'proved' ? 'proved' : 'failed' }
		}),
	}),
	'GET /notices': (state, _, target) => {
		const after = Number(/after=(\d+)/.exec(target)?.[1])
		return { notices: state.notices.filter(({ seq }) => seq > after).map(({ seq, kind, path, more }) => ({ seq, kind, path64: path.toString('base64'), at: 1_795_780_000, ...more })), more: false }
	},
	'GET /orders': (state) => ({
		orders: state.orders
			.filter((order) => !order.done && !order.failed)
			.map(({ order, path, hash, size, received }) => ({ order, kind: 'restore', path64: path.toString('base64'), size, hash, offset: received.length })),
	}),
	'POST /orders/#/fail': (state, { error }, target) => {
		const order = state.orders.find((one) => target.includes(`/${one.order}/`))
		if (order) order.failed = error as string
		return {}
	},
}

function helloOf(state: FakeServer): object {
	return {
		site: SITE,
		serverAt: Math.floor(Date.now() / 1000) + state.clockAheadS,
		paused: state.hello.paused ?? false,
		retryAfterS: 600,
		settings: { bytesPerSecond: state.hello.bytesPerSecond ?? null, parallel: state.hello.parallel ?? 4, filesPerBatch: state.hello.filesPerBatch ?? 500, bytesPerBatch: 2 ** 30, direct: state.hello.direct ?? null },
		pending: { work: true, challenges: state.challenges.length, notices: state.notices.length, orders: state.orders.filter((order) => !order.done && !order.failed).length },
	}
}

function itemOf({ id, version, path, content, says = {}, mtimeS = 1_700_000_000 }: Offered): object {
	const hash = says.hash === undefined ? hashOf(content) : says.hash
	return { id, version, path64: says.path64 ?? path.toString('base64'), path: path.toString(), size: says.size ?? content.length, hash, mode: 0o100644, mtimeS, mtimeNs: 0 }
}

function sendFile(state: FakeServer, { request, response }: Omit<Call, 'body'>, offered?: Offered): void {
	if (!offered) return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not-found","message":"gone"}')
	const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? 'bytes=0-')?.[1])
	state.ranges.push(request.headers.range ?? '')
	const { content } = offered
	const range = from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}
	response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from, etag: `"${hashOf(content)}"`, ...range })
	response.end(content.subarray(from))
}

/** As the protocol has it. */
export function framesOf(files: readonly Offered[]): Buffer {
	return Buffer.concat(files.flatMap(({ id, version, content }) => [frameLine({ id, version, size: content.length }), content]))
}

export function frameLine(value: object): Buffer {
	return Buffer.from(`${JSON.stringify(value)}\n`)
}

function takePart(state: FakeServer, { send, body, order, offset }: { send: (status: number, value: object) => void; body: Buffer; order: number; offset: number }): void {
	const found = state.orders.find((one) => one.order === order)
	if (!found) return send(404, { error: 'not-found', message: 'no such order' })
	if (offset !== found.received.length) return send(409, { error: 'offset', message: 'elsewhere', offset: found.received.length })
	found.received = Buffer.concat([found.received, body])
	if (found.received.length < found.size) return send(200, { offset: found.received.length, done: false })
	if (found.hash !== null && createHash('sha256').update(found.received).digest('hex') !== found.hash) {
		found.received = Buffer.alloc(0)
		return send(422, { error: 'hash', message: 'whole and wrong', offset: 0 })
	}
	found.done = true
	send(200, { offset: found.received.length, done: true })
}
