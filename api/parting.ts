/**
 * The end of a connection whose client still sends a body that nobody wants. Closed at once it would be reset, and the answer with it: what is on its
 * way is read over for a while, and no further request is looked for in it.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Less than that is read over, and the connection goes on. */
const READ_OVER_BYTES_MAX = 1_048_576
/** More than that nobody sends who reads as well. */
const BOUNDS = { bytesMax: 64 * 1_048_576, msMax: 10_000 }

type Bounds = typeof BOUNDS

const parting = new WeakSet<Socket>()

export function isParting(socket: Socket): boolean {
	return parting.has(socket)
}

/** Whatever is answered while the body of the request still comes. */
export function partFromSenders(app: FastifyInstance, bounds: Bounds = BOUNDS): void {
	app.addHook('onSend', ({ raw }, reply, payload, done) => {
		const bytes = raw.complete ? 0 : bytesAnnounced(raw)
		if (bytes > READ_OVER_BYTES_MAX) {
			reply.header('connection', 'close')
			partFrom(raw, bounds)
		}
		// Somebody may have begun to read it.
		if (bytes > 0) raw.resume()
		done(null, payload)
	})
}

function bytesAnnounced({ headers }: IncomingMessage): number {
	return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY
}

function partFrom(request: IncomingMessage, { bytesMax, msMax }: Bounds): void {
	const { socket } = request
	if (parting.has(socket)) return
	parting.add(socket)
	let left = bytesMax
	request.on('data', (chunk: Buffer) => {
		left -= chunk.length
		if (left < 0) socket.destroy()
	})
	// Node ends a connection by this when its last answer is sent.
	socket.destroySoon = () => {
		if (request.complete || request.destroyed) return void socket.end(() => socket.destroy())
		socket.end()
		const late = setTimeout(() => socket.destroy(), msMax)
		request.once('end', () => socket.destroy())
		socket.once('close', () => clearTimeout(late))
	}
}
