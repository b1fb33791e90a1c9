/**
 * Requests whose clients send, or take, next to nothing are ended: each holds a connection, and a file on a node. Only the time counts in
 * which the door waits for the client: not that of a node, of a catalogue, or of a limit of the door's own.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sentBeside } from './content/outlet.ts'
import { HttpError } from './errors.ts'
import { isWaiting } from './framing.ts'

const LOOK_MS_MAX = 1_000
/** In the time a client has until it was too slow. */
const LOOKS = 8

export interface Pace {
	/** A client may be too slow for so long, at a time; what it sends faster makes up for it. */
	slowMs: number
	/** 0: as slow as it likes. */
	slowBytesPerSecond: number
}

/** False when it was too slow for too long. */
export type Patience = (waitedMs: number, bytes: number) => boolean

export function createPatience({ slowMs, slowBytesPerSecond }: Pace): Patience {
	let leftMs = slowMs
	return (waitedMs, bytes) => {
		leftMs = Math.min(slowMs, leftMs - waitedMs + (bytes * 1_000) / slowBytesPerSecond)
		return leftMs > 0
	}
}

interface UnderWay {
	request: FastifyRequest
	reply: FastifyReply
	patience: Patience
	received: number
	taken: number
}

export function endSlow(app: FastifyInstance, pace: Pace): void {
	if (pace.slowBytesPerSecond === 0) return
	const underWay = new Set<UnderWay>()
	let lookedMs = performance.now()

	function look(): void {
		const nowMs = performance.now()
		for (const one of underWay) if (!keepsUp(one, nowMs - lookedMs)) end(one)
		lookedMs = nowMs
	}

	/** Whoever was told and does not go has as long again to hear it. */
	function end(one: UnderWay): void {
		const { request: { raw }, reply } = one
		one.patience = createPatience(pace)
		if (raw.complete || reply.sent || reply.raw.headersSent) raw.socket.destroy()
		else {
			// Nobody else tells a handler that still reads: for node a request is over when its answer is.
			reply.raw.once('finish', () => raw.destroy())
			reply.header('connection', 'close').send(new HttpError(408, `less than ${pace.slowBytesPerSecond} bytes a second came, for too long`))
		}
	}

	app.addHook('onRequest', (request, reply, done) => {
		const { socket } = request.raw
		const one = { request, reply, patience: createPatience(pace), received: socket.bytesRead, taken: takenBy(socket) }
		underWay.add(one)
		reply.raw.once('close', () => underWay.delete(one))
		done()
	})
	const looking = setInterval(look, Math.min(LOOK_MS_MAX, pace.slowMs / LOOKS))
	looking.unref()
	app.addHook('onClose', async () => clearInterval(looking))
}

function keepsUp(one: UnderWay, waitedMs: number): boolean {
	const { request: { raw }, reply } = one
	const { socket } = raw
	const received = socket.bytesRead
	const taken = takenBy(socket)
	// What came and was not read yet waits for us, and so does who asks whether to send it. An answer behind another on the same connection has no socket yet.
	const waits = raw.complete ? reply.raw.socket !== null && socket.writableLength > 0 : raw.readableLength === 0 && !isWaiting(raw)
	const bytes = raw.complete ? taken - one.taken : received - one.received
	one.received = received
	one.taken = taken
	return one.patience(waits ? waitedMs : 0, bytes)
}

interface Handle {
	bytesWritten?: number
	writeQueueSize?: number
}

/** By the kernel: node's own count has what still waits for it. Below TLS, which knows of what waits only in large pieces. */
function takenBy(socket: Socket): number {
	const own = (socket as unknown as { _handle?: (Handle & { _parent?: Handle }) | null })._handle
	const { bytesWritten = 0, writeQueueSize = 0 } = own?._parent ?? own ?? {}
	return bytesWritten - writeQueueSize + sentBeside(socket)
}
