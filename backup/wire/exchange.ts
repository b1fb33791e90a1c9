/**
 * One request and the head of its answer. No redirect is followed, no answer is unpacked, and a certificate that does not hold ends it:
 * these are the defaults of what is used here, and the tests hold them to it.
 */
import { randomBytes } from 'node:crypto'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { authorizationOf, hashOf, NO_BODY } from '../../core/off-site/signature.ts'
import { EXIT, Ending } from '../exit-codes.ts'
import type { Body } from './body.ts'
import { Broken } from './failures.ts'
import { openStraight } from './straight.ts'

const IDLE_MS_MAX = 60_000
const HEADER_BYTES_MAX = 16 * 1024
const SOCKETS_MAX = 16
const NONCE_BYTES = 18
const CERTIFICATE_CODES = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|ALTNAME/

export interface Who {
	server: URL
	site: string
	key: string
	agent: string
}

export interface Asked {
	method: string
	/** Path and query. */
	target: string
	body?: Buffer
	type?: string
	/** From which byte of a file on. */
	from?: number
}

export interface Exchange {
	send(asked: Asked): Promise<IncomingMessage>
	/** For many bytes; undefined where `send` is to ask. */
	sendStraight(asked: Asked): Promise<Body | undefined>
	/** The server's clock, as it said. */
	setClock(serverAtS: number): void
	close(): void
}

export function openExchange(who: Who): Exchange {
	const { request, Agent } = who.server.protocol === 'https:' ? https : http
	const connections = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
	const run = randomBytes(NONCE_BYTES).toString('base64url')
	let requests = 0
	let aheadS = 0

	function send(asked: Asked): Promise<IncomingMessage> {
		const { method, target, body } = asked
		const headers = headersOf(asked, authorization(asked))
		const options = { method, path: target, headers, agent: connections, timeout: IDLE_MS_MAX, maxHeaderSize: HEADER_BYTES_MAX }
		return new Promise((resolve, reject) => {
			const sent = request(who.server, options, resolve)
			sent.on('timeout', () => sent.destroy(new Broken('the server says nothing')))
			sent.on('error', (error) => reject(failureOf(error)))
			sent.end(body)
		})
	}

	function authorization({ method, target, body }: Asked): string {
		const time = String(Math.floor(Date.now() / 1000) + aheadS)
		const nonce = `${run}${(requests++).toString(36)}`
		const { site, agent, key } = who
		return authorizationOf(key, { method, target, site, agent, time, nonce, body: body === undefined ? NO_BODY : hashOf(body) })
	}

	return {
		send,
		sendStraight: (asked) => openStraight({ server: who.server, target: asked.target, headers: headersOf(asked, authorization(asked)), idleMs: IDLE_MS_MAX }),
		setClock: (serverAtS) => {
			aheadS = serverAtS - Math.floor(Date.now() / 1000)
		},
		close: () => connections.destroy(),
	}
}

function failureOf(error: NodeJS.ErrnoException): Error {
	const { code = '', message } = error
	// It will be the same the next time.
	if (CERTIFICATE_CODES.test(code)) return new Ending(EXIT.unreachable, `the server's certificate does not hold: ${message}`)
	return new Broken(message || code)
}

function headersOf({ body, type = 'application/json', from = 0 }: Asked, authorization: string): { [name: string]: string } {
	return {
		authorization,
		'accept-encoding': 'identity',
		...(body === undefined ? {} : { 'content-type': type, 'content-length': String(body.length) }),
		...(from > 0 ? { range: `bytes=${from}-` } : {}),
	}
}
