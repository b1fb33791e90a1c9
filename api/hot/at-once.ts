/**
 * What is asked plainly for a small file whose answer is known is answered there and then. Whatever is unusual about a request goes the
 * long way, through the router, where everything that is decided here is decided in the same way.
 */
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Gate } from '../access/access.ts'
import type { Api } from '../api.ts'
import { judge } from '../content/validators.ts'
import { saysHost } from '../framing.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import type { LogLine, RequestLog } from '../log.ts'
import { countRequest } from '../metrics/requests.ts'
import type { HotAnswer } from './answers.ts'

export interface Asked {
	method: string
	url: string
	headers: IncomingHttpHeaders
}

export interface Answered {
	status: 200 | 304
	answer: HotAnswer
	/** To be called when it is on its way. */
	sent: () => void
}

/** `from` is the other end of the connection. */
export type AtOnce = (asked: Asked, from: string | undefined) => Answered | undefined

const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'] as const
const UNUSUAL = ['range', 'origin', 'content-length', 'transfer-encoding', 'expect', 'upgrade'] as const

/** Undefined where nothing is ever answered so: nothing may be kept, or the long way has to find out who asks behind a proxy. */
export function answersAtOnce({ answers, config }: Api, gate: Gate, log: RequestLog): AtOnce | undefined {
	if (!answers || (log.write && config.api.trustedProxies.length > 0)) return undefined
	return ({ method, url, headers }, from = '') => {
		const startedMs = performance.now()
		if (method !== 'GET' && method !== 'HEAD') return undefined
		const answer = answers.find(url)
		if (!answer || UNUSUAL.some((name) => headers[name] !== undefined)) return undefined
		const status = statusOf(method, headers, answer.row)
		const grant = status && gate.mayRead(headers, answer.path)
		if (!grant) return undefined
		return { status, answer, sent: () => count({ from, who: grant.name, method, url, status, ms: performance.now() - startedMs }, 'files', log) }
	}
}

export function count(line: LogLine, part: string, log: RequestLog): void {
	countRequest(part, line.status, line.ms)
	log.write?.(line)
}

/** Undefined: a refusal, which is not said here. */
function statusOf(method: string, headers: IncomingHttpHeaders, row: LocatedRow): 200 | 304 | undefined {
	if (!CONDITIONS.some((name) => headers[name] !== undefined)) return 200
	const verdict = judge(method, headers, row)
	return verdict === 412 ? undefined : (verdict ?? 200)
}

/** In front of the router. */
export function beforeRouter(server: Server, atOnce: AtOnce): void {
	const listeners = server.listeners('request') as RequestListener[]
	server.removeAllListeners('request')
	server.on('request', (request, response) => {
		if (server.listening && send(request, response, atOnce)) return
		for (const listener of listeners) listener.call(server, request, response)
	})
}

function send(request: IncomingMessage, response: ServerResponse, atOnce: AtOnce): boolean {
	const { method = '', url = '', headers, socket } = request
	const answered = atOnce({ method, url, headers }, socket.remoteAddress)
	if (!answered || !saysHost(request)) return false
	const { status, answer, sent } = answered
	if (status === 200) response.writeHead(status, answer.whole).end(answer.bytes)
	else response.writeHead(status, answer.notModified).end()
	sent()
	return true
}
