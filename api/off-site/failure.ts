/** What this part answers when something is not right: docs/BACKUP-PROTOCOL.md has the list. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpError, pathOf, toFailure } from '../errors.ts'

export class Refusal extends HttpError {
	readonly code: string
	readonly also: Record<string, unknown>

	constructor(status: number, code: string, message: string, also: Record<string, unknown> & { retryAfterS?: number } = {}) {
		super(status, message, also.retryAfterS === undefined ? {} : { 'retry-after': String(also.retryAfterS) })
		this.code = code
		this.also = also
	}
}

const AWAY_SECONDS = 10
const NO_COPY_SECONDS = 60
const AWAY = new Set([503, 504, 507])

export function badRequest(message: string): Refusal {
	return new Refusal(400, 'bad-request', message)
}

export function notFound(what: string): Refusal {
	return new Refusal(404, 'not-found', what)
}

export function noCopy(): Refusal {
	return new Refusal(503, 'no-copy', 'no copy of the file can be read now', { retryAfterS: NO_COPY_SECONDS })
}

export function unavailable(): Refusal {
	return new Refusal(503, 'unavailable', 'try again in a moment', { retryAfterS: AWAY_SECONDS })
}

function toRefusal(error: unknown): Refusal {
	if (error instanceof Refusal) return error
	const { status, message } = toFailure(error)
	if (AWAY.has(status)) return unavailable()
	if (status === 401) return new Refusal(401, 'signature', 'this needs the signature of a site')
	if (status === 404) return notFound(message)
	if (status === 413) return new Refusal(413, 'too-large', message)
	return status === 500 ? new Refusal(500, 'internal', message) : badRequest(message)
}

export function answerRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply, report: (line: string) => void): FastifyReply {
	const refusal = toRefusal(error)
	if (refusal.code === 'unavailable') report(`${request.method} ${pathOf(request)}: ${(error as Error).message}`)
	if (refusal.code === 'internal') report(`${request.method} ${pathOf(request)}: ${(error as Error)?.stack ?? error}`)
	return reply.code(refusal.status).headers(refusal.headers).send({ error: refusal.code, message: refusal.message, ...refusal.also })
}
