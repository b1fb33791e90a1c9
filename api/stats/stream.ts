/** Server-sent events to one who listens: bounded in what waits for him and in how long he listens before he is asked again who he is. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { HttpError } from '../errors.ts'

/** Streams open at once. */
const STREAMS_MAX = 200
/** Sent and not taken yet: who is further behind starts anew from where he was. */
const WAITING_BYTES_MAX = 4_194_304
/** Whoever listens says again who he is after this long: his token may have been revoked. */
const STREAM_MS_MAX = 600_000
/** A line that says nothing, so that nobody in between takes the stream for dead. */
const STILL_HERE_MS = 15_000
const RETRY_MS = 2_000

export interface Stream {
	readonly signal: AbortSignal
	/** False: it has ended. */
	send(event: string, data: unknown, id: string): boolean
	end(): void
}

export interface Streams {
	open(reply: FastifyReply): Stream
}

export function createStreams(app: FastifyInstance): Streams {
	const open = new Set<Stream>()
	// Those who listen would keep the door from ending until it loses patience.
	app.addHook('preClose', (done) => {
		for (const stream of open) stream.end()
		done()
	})
	return {
		open(reply) {
			if (open.size >= STREAMS_MAX) throw new HttpError(503, 'too many listen already', { 'retry-after': '30' })
			const stream = begin(reply, () => open.delete(stream))
			open.add(stream)
			return stream
		},
	}
}

function begin(reply: FastifyReply, ended: () => void): Stream {
	reply.headers({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-content-type-options': 'nosniff' }).hijack()
	const { raw } = reply
	raw.writeHead(200, reply.getHeaders() as Record<string, string>)
	raw.write(`retry: ${RETRY_MS}\n\n`)
	const over = new AbortController()
	const still = setInterval(() => raw.write(':\n\n'), STILL_HERE_MS)
	const late = setTimeout(end, STREAM_MS_MAX)
	raw.on('close', end)
	raw.on('error', end)

	function end(): void {
		if (over.signal.aborted) return
		clearInterval(still)
		clearTimeout(late)
		over.abort()
		raw.end()
		ended()
	}

	return {
		signal: over.signal,
		end,
		send(event, data, id) {
			if (over.signal.aborted) return false
			raw.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
			if (raw.writableLength > WAITING_BYTES_MAX) end()
			return !over.signal.aborted
		},
	}
}
