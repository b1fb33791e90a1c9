/** A connection that asks one thing after the other and does as little as it can besides: what is measured is the door. */
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import type { DoorAddress } from './door-address.ts'

export interface Answer {
	status: number
	body: Buffer
}

export interface Connection {
	ask(method: string, path: string, body?: Buffer): Promise<Answer>
	end(): void
}

const HEAD_END = Buffer.from('\r\n\r\n')

export function openConnection({ url, socketPath, token }: DoorAddress): Promise<Connection> {
	const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
	const host = url.hostname.replace(/^\[|\]$/g, '')
	const socket = socketPath !== undefined ? connect(socketPath) : url.protocol === 'https:' ? connectSecurely({ host, port, servername: host }) : connect(port, host)
	socket.setNoDelay(true)
	const common = `host: ${url.host}\r\n${token === '' ? '' : `authorization: Bearer ${token}\r\n`}`
	return new Promise((resolve, reject) => {
		socket.once('error', reject)
		socket.once(url.protocol === 'https:' && socketPath === undefined ? 'secureConnect' : 'connect', () => resolve(serve(socket, common)))
	})
}

function serve(socket: Socket, common: string): Connection {
	let received: Buffer = Buffer.alloc(0)
	let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

	const failed = (error: Error) => {
		waiting?.reject(error)
		waiting = undefined
	}
	socket.on('error', failed).on('close', () => failed(new Error('the door has closed the connection')))
	socket.on('data', (chunk) => {
		received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
		const answer = read(received)
		if (!answer || !waiting) return
		received = received.subarray(answer.bytes)
		const { resolve } = waiting
		waiting = undefined
		resolve(answer)
	})

	return {
		ask: (method, path, body) =>
			new Promise((resolve, reject) => {
				if (socket.destroyed) return reject(new Error('the door has closed the connection'))
				waiting = { resolve, reject }
				const head = `${method} ${path} HTTP/1.1\r\n${common}${body ? `content-length: ${body.length}\r\n` : ''}\r\n`
				socket.write(body ? Buffer.concat([Buffer.from(head, 'latin1'), body]) : head)
			}),
		end: () => socket.destroy(),
	}
}

/** Undefined while it is not whole. Doors say how long what they answer here is. */
function read(bytes: Buffer): (Answer & { bytes: number }) | undefined {
	const end = bytes.indexOf(HEAD_END)
	if (end === -1) return undefined
	const head = bytes.toString('latin1', 0, end)
	const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
	const from = end + HEAD_END.length
	if (bytes.length < from + length) return undefined
	return { status: Number(head.slice(9, 12)), body: bytes.subarray(from, from + length), bytes: from + length }
}
