/** A connection that asks as plainly as a program that measures does, and stays: one request after the other. */
import { connect, type Socket } from 'node:net'

export interface PlainAnswer {
	status: number
	headers: Record<string, string>
	body: Buffer
}

export interface PlainConnection {
	readonly socket: Socket
	/** Bytes as they are: a request, or the part of one. */
	send(text: string): void
	answer(options?: { hasBody?: boolean }): Promise<PlainAnswer>
	ask(path: string, options?: { method?: string; headers?: Record<string, string>; body?: string }): Promise<PlainAnswer>
}

export async function plainConnection(url: string, token?: string): Promise<PlainConnection> {
	const { hostname, port } = new URL(url)
	const socket = connect(Number(port), hostname)
	let got = Buffer.alloc(0)
	let isOver = false
	let more = Promise.withResolvers<void>()
	const wake = () => {
		more.resolve()
		more = Promise.withResolvers()
	}
	socket.on('data', (chunk) => {
		got = Buffer.concat([got, chunk])
		wake()
	})
	socket.on('error', () => undefined).on('close', () => {
		isOver = true
		wake()
	})
	const auth = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`

	async function take(end: () => number): Promise<Buffer> {
		for (;;) {
			const at = end()
			if (at !== -1 && got.length >= at) {
				const taken = got.subarray(0, at)
				got = got.subarray(at)
				return taken
			}
			if (isOver) throw new Error('the connection is over')
			await more.promise
		}
	}

	async function answer({ hasBody = true } = {}): Promise<PlainAnswer> {
		const head = await take(() => {
			const at = got.indexOf('\r\n\r\n')
			return at === -1 ? -1 : at + 4
		})
		const [first, ...lines] = head.toString('latin1').trimEnd().split('\r\n')
		const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
		const bytes = Number(headers['content-length'] ?? 0)
		return { status: Number(first.split(' ')[1]), headers, body: Buffer.from(hasBody ? await take(() => bytes) : []) }
	}

	return {
		socket,
		send: (text) => void socket.write(text, 'latin1'),
		answer,
		ask(path, { method = 'GET', headers = {}, body } = {}) {
			const said = body === undefined ? headers : { ...headers, 'Content-Length': String(Buffer.byteLength(body, 'latin1')) }
			const own = Object.entries(said).map(([name, value]) => `${name}: ${value}\r\n`).join('')
			socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${auth}${own}\r\n${body ?? ''}`, 'latin1')
			return answer({ hasBody: method !== 'HEAD' })
		},
	}
}
