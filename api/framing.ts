/** What a connection carries, before anything is known of what it is about: one request after the other, whole, in a coding that is understood. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { HttpError } from './errors.ts'
import { isParting } from './parting.ts'

/** Sent before the answer to the first of them; whoever sends more is ended. */
const AHEAD_MAX = 100

interface Answering {
	response: ServerResponse
	ahead: number
}

const answering = new WeakMap<Socket, Answering>()

/**
 * A request that was sent before the answer to the one before it is handled when that is answered (RFC 9112, 9.3.2): what a client puts is
 * there for what it asks next. Around all other listeners.
 */
export function inTurn(server: Server): void {
	// Who has said all he has to say, and closes that side, is answered (node's own word for it; it cuts the answer off without).
	Object.assign(server, { httpAllowHalfOpen: true })
	const listeners = server.listeners('request') as RequestListener[]
	server.removeAllListeners('request')
	server.on('request', (request: IncomingMessage, response: ServerResponse) => {
		const { socket } = request
		if (isParting(socket)) return
		request.url = targetOf(request)
		const handle = () => {
			for (const listener of listeners) listener.call(server, request, response)
		}
		const last = answering.get(socket)
		if (!last || last.response.writableFinished || last.response.destroyed) {
			answering.set(socket, { response, ahead: 0 })
			return handle()
		}
		if (last.ahead === AHEAD_MAX) return void socket.destroy()
		answering.set(socket, { response, ahead: last.ahead + 1 })
		// Not in the same turn of the event loop: what is known of files is looked at once in each.
		last.response.once('close', () =>
			setImmediate(() => {
				if (!socket.destroyed) handle()
			}),
		)
	})
}

/** Without the host, which clients of proxies write before it (RFC 9112, 3.2.2). */
function targetOf({ url = '/' }: IncomingMessage): string {
	const target = url.replace(/^https?:\/\/[^/?]*/i, '')
	return target === url || target.startsWith('/') ? target : `/${target}`
}

const expecting = new WeakSet<IncomingMessage>()

/** Asks whether to send its body, and has heard nothing yet. */
export function isWaiting(request: IncomingMessage): boolean {
	return expecting.has(request)
}

/**
 * Who asks first whether to send a body (`Expect: 100-continue`) is told to when somebody begins to read it: whatever refuses a request by its head
 * has spoken by then, and whoever hears a refusal sends none. Node closes that connection: what comes next on it might be the body or not.
 */
export function askFirst(app: FastifyInstance): void {
	const { server } = app
	// What else may be expected is refused with the rest.
	server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response))
	server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
		expecting.add(request)
		const { read } = request
		request.read = (bytes) => {
			// Of what is answered the rest is only read over.
			if (expecting.delete(request) && !response.headersSent) response.writeContinue()
			return read.call(request, bytes)
		}
		server.emit('request', request, response)
	})
	app.addHook('onSend', ({ raw }, _, payload, done) => {
		expecting.delete(raw)
		done(null, payload)
	})
}

/** With these a body that is not announced would be lost. */
const BRING_CONTENT = new Set(['PUT', 'POST', 'PATCH'])

export function refuseUnclear(app: FastifyInstance): void {
	app.addHook('onRequest', ({ raw, headers, originalUrl }, reply, done) => {
		// Of the door as a whole: nothing is known of that but that it is there (RFC 9110, 9.3.7).
		if (originalUrl === '*' && raw.method === 'OPTIONS') return void reply.code(204).send()
		if (!originalUrl.startsWith('/')) return done(new HttpError(400, 'an address begins with a slash'))
		if (!saysHost(raw) && (headers.host !== undefined || raw.httpVersion !== '1.0')) return done(new HttpError(400, 'the request says no host, more than one, or what is none', { connection: 'close' }))
		const { expect } = headers
		if (expect !== undefined && !/\b100-continue\b/i.test(expect)) return done(new HttpError(417, `'${expect}' is nothing to expect here`, { connection: 'close' }))
		const coding = headers['transfer-encoding']
		// Node takes it for an empty one (RFC 1945, 7.2.2).
		if (raw.httpVersion === '1.0' && BRING_CONTENT.has(raw.method ?? '') && coding === undefined && headers['content-length'] === undefined) {
			return done(new HttpError(411, 'how long the body is has to be said', { connection: 'close' }))
		}
		if (coding !== undefined && coding.toLowerCase() !== 'chunked') return done(new HttpError(501, `a body in '${coding}' is not understood`, { connection: 'close' }))
		done()
	})
}

/** Once, where node shows the first, and one that there can be (RFC 9112, 3.2). */
export function saysHost({ rawHeaders, headers: { host } }: IncomingMessage): boolean {
	let many = 0
	for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at].length === 4 && rawHeaders[at].toLowerCase() === 'host') many++
	return many === 1 && isHost(host)
}

/** A name, an address, or nothing, and a port (RFC 3986, 3.2.2). */
export function isHost(text: string | undefined): boolean {
	return text !== undefined && /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?$/i.test(text)
}

const CLIENT_ERRORS: Record<string, [status: number, message: string]> = {
	HPE_HEADER_OVERFLOW: [431, 'the head of the request is too large'],
	ERR_HTTP_REQUEST_TIMEOUT: [408, 'the head of the request comes too slowly'],
}

const malformed = new WeakSet<Socket>()

/** What is no HTTP has no address, so it is refused in the shape that errors have in general; after the answer to what came whole before it. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
	if (error.code === 'ECONNRESET' || socket.destroyed) return
	const { response } = answering.get(socket) ?? {}
	if (response?.req.complete && !response.writableFinished && !response.destroyed) {
		// Whatever else comes is no better.
		if (!malformed.has(socket)) response.once('close', () => refuseMalformed(error, socket))
		malformed.add(socket)
		return
	}
	// Its body is malformed, and it has its answer.
	if (response?.writableEnded && !response.req.complete) return void socket.destroySoon()
	const [status, message] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'this is no request that can be understood']
	const body = JSON.stringify({ error: { code: `HTTP_${status}`, message } })
	const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`
	if (socket.writable) socket.write(head + body)
	socket.destroy(error)
}
