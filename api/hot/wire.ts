/**
 * In front of node's HTTP, which takes most of the time of a small answer: a connection on which nothing but plain requests for known
 * answers come, one at a time and each whole in one piece, is answered from here. With the first that is anything else, or not whole, the
 * connection belongs to node's HTTP from that request on, and for good: nothing is decided here about what is malformed or slow.
 */
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { AtOnce, Asked } from './at-once.ts'
import type { HotAnswer } from './answers.ts'

/** Longer than what is asked plainly. */
const REQUEST_BYTES_MAX = 4_096
const REQUEST_LINE = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1$/
const HEADER_LINE = /^([A-Za-z-]+):[ \t]*([\x20-\x7e]*)$/
/** What does not change how a request is to be understood, or is looked at here. */
const PLAIN = new Set(['host', 'authorization', 'user-agent', 'accept', 'accept-encoding', 'accept-language', 'connection', 'if-none-match', 'if-modified-since', 'cache-control', 'pragma', 'referer'])
const END = '\r\n\r\n'

interface Options {
	/** A connection on which nothing comes for so long is ended. */
	idleMs: number
}

/** Calling the result ends the connections that are here. */
export function beforeHttp(server: Server, atOnce: AtOnce, { idleMs }: Options): () => void {
	const next = server.listeners('connection') as Array<(socket: Socket) => void>
	const here = new Set<Socket>()
	const headOf = createHeads(idleMs)
	server.removeAllListeners('connection')
	server.on('connection', (socket: Socket) => {
		const leave = () => {
			socket.off('data', onData).off('end', onEnd).off('timeout', onEnd).off('error', onError).off('close', leave)
			here.delete(socket)
		}
		const onData = (chunk: Buffer) => {
			const asked = server.listening && socket.writableLength === 0 ? plainRequest(chunk, socket) : undefined
			const answered = asked && atOnce(asked)
			if (!answered) return handOver(chunk)
			const { status, answer, sent } = answered
			socket.write(asked.method === 'HEAD' || status !== 200 ? headOf(answer, status) : Buffer.concat([headOf(answer, status), answer.bytes]))
			sent()
		}
		const handOver = (chunk: Buffer) => {
			leave()
			socket.pause()
			socket.setTimeout(0)
			socket.unshift(chunk)
			for (const listener of next) listener.call(server, socket)
			socket.resume()
		}
		const onEnd = () => socket.end()
		const onError = () => socket.destroy()
		here.add(socket)
		socket.setTimeout(idleMs)
		socket.on('data', onData).on('end', onEnd).on('timeout', onEnd).on('error', onError).on('close', leave)
	})
	return () => {
		for (const socket of here) socket.end()
	}
}

/** Undefined of what is not exactly one whole request without anything unusual. */
function plainRequest(chunk: Buffer, { remoteAddress }: Socket): Asked | undefined {
	if (chunk.length > REQUEST_BYTES_MAX) return undefined
	const text = chunk.toString('latin1')
	if (text.indexOf(END) !== text.length - END.length) return undefined
	const [first, ...lines] = text.slice(0, -END.length).split('\r\n')
	const [, method, url] = REQUEST_LINE.exec(first) ?? []
	if (url === undefined) return undefined
	const headers: IncomingHttpHeaders = {}
	for (const line of lines) {
		const [, written, value] = HEADER_LINE.exec(line) ?? []
		const name = written?.toLowerCase()
		if (name === undefined || !PLAIN.has(name) || headers[name] !== undefined) return undefined
		headers[name] = value.trimEnd()
	}
	if (headers.host === undefined || (headers.connection ?? 'keep-alive').toLowerCase() !== 'keep-alive') return undefined
	return { method, url, headers, from: remoteAddress }
}

function createHeads(idleMs: number): (answer: HotAnswer, status: 200 | 304) => Buffer {
	const tail = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleMs / 1000)}\r\n\r\n`
	let date = ''
	let second = 0
	const lines = new WeakMap<HotAnswer, string[]>()
	return (answer, status) => {
		const now = Math.floor(Date.now() / 1000)
		if (now !== second) {
			second = now
			date = new Date(now * 1000).toUTCString()
		}
		let heads = lines.get(answer)
		if (!heads) {
			heads = [linesOf('200 OK', answer.whole), linesOf('304 Not Modified', answer.notModified)]
			lines.set(answer, heads)
		}
		return Buffer.from(`${heads[status === 200 ? 0 : 1]}Date: ${date}\r\n${tail}`, 'latin1')
	}
}

function linesOf(status: string, namesAndValues: readonly string[]): string {
	let text = `HTTP/1.1 ${status}\r\n`
	for (let at = 0; at < namesAndValues.length; at += 2) text += `${namesAndValues[at]}: ${namesAndValues[at + 1]}\r\n`
	return text
}
