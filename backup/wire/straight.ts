/**
 * A large download past the HTTP client, which takes new memory for each of its parts: a connection of its own that reads into one buffer,
 * again and again. It understands the one plain kind of answer such downloads have; whatever else comes is for the client to deal with.
 */
import type { IncomingHttpHeaders } from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import type { Body, Use } from './body.ts'
import { Broken } from './failures.ts'

const READ_BYTES = 256 * 1024
const HEAD_BYTES_MAX = 16 * 1024
const HEAD_END = '\r\n\r\n'
const STATUS = /^HTTP\/1\.1 (200|206)(?: |$)/
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/

export interface Asking {
	server: URL
	/** Path and query. */
	target: string
	headers: { readonly [name: string]: string }
	idleMs: number
}

/** Undefined where another kind of answer, or none, came. */
export function openStraight(asking: Asking): Promise<Body | undefined> {
	return new Promise((resolve) => {
		let head: Buffer = Buffer.alloc(0)
		let use: (part: Buffer) => boolean = takeHead
		const socket = connect(asking.server, (part) => use(part))
		const giveUp = () => {
			socket.destroy()
			resolve(undefined)
		}

		function takeHead(part: Buffer): boolean {
			head = Buffer.concat([head, part])
			const end = head.indexOf(HEAD_END)
			if (end === -1 && head.length <= HEAD_BYTES_MAX) return true
			const read = end === -1 ? undefined : readHead(head.toString('latin1', 0, end))
			if (!read) {
				giveUp()
				return false
			}
			socket.off('close', giveUp)
			const first = head.subarray(end + HEAD_END.length)
			resolve({ ...read, each: (given) => each(given, first, read.length), destroy: () => socket.destroy() })
			// Until somebody asks for the body.
			return false
		}

		function each(given: Use, first: Buffer, length: number): Promise<void> {
			return new Promise((done, failed) => {
				let left = length
				const end = (error?: Error) => {
					socket.off('close', cut)
					socket.destroy()
					error ? failed(error) : done()
				}
				const cut = () => end(new Broken('the connection was cut'))
				const take = (part: Buffer): boolean => {
					const own = part.length > left ? part.subarray(0, left) : part
					left -= own.length
					try {
						const until = own.length > 0 ? given(own) : undefined
						if (until) until.then(() => (left === 0 ? end() : socket.resume()), end)
						else if (left === 0) end()
						return until === undefined && left > 0
					} catch (error) {
						end(error as Error)
						return false
					}
				}
				use = take
				socket.on('close', cut)
				if (socket.destroyed) cut()
				else if (take(first)) socket.resume()
			})
		}

		socket.setTimeout(asking.idleMs, () => socket.destroy())
		// What went wrong is told by the client, who tries next.
		socket.on('error', () => undefined)
		socket.on('close', giveUp)
		socket.write(headOf(asking))
	})
}

function connect({ protocol, hostname, port }: URL, take: (part: Buffer) => boolean): net.Socket {
	const host = hostname.replace(/^\[|\]$/g, '')
	const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (count: number, bytes: Uint8Array) => take((bytes as Buffer).subarray(0, count)) }
	if (protocol !== 'https:') return net.connect({ host, port: Number(port || 80), onread })
	return tls.connect({ host, port: Number(port || 443), onread, ALPNProtocols: ['http/1.1'], ...(net.isIP(host) ? {} : { servername: host }) } as tls.ConnectionOptions)
}

function headOf({ server, target, headers }: Asking): string {
	const lines = Object.entries({ host: server.host, ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`)
	return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

function readHead(text: string): { statusCode: number; headers: IncomingHttpHeaders; length: number } | undefined {
	const [first = '', ...lines] = text.split('\r\n')
	const [, status] = STATUS.exec(first) ?? []
	const headers: { [name: string]: string } = {}
	for (const line of lines) {
		const [, name, value] = HEADER.exec(line) ?? []
		if (name === undefined || value === undefined || name.toLowerCase() in headers) return undefined
		headers[name.toLowerCase()] = value
	}
	const length = Number(headers['content-length'] ?? Number.NaN)
	if (status === undefined || headers['transfer-encoding'] !== undefined || !Number.isSafeInteger(length)) return undefined
	return { statusCode: Number(status), headers, length }
}
