/** What went wrong as HTTP says it. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { CatalogueError, Errno } from '../core/errors.ts'

/** A status that no errno means. */
export class HttpError extends Error {
	readonly status: number
	readonly headers: Record<string, string>

	constructor(status: number, message: string, headers: Record<string, string> = {}) {
		super(message)
		this.status = status
		this.headers = headers
	}
}

const RETRY_SECONDS = 5

const STATUS: Record<string, number> = {
	ENOENT: 404,
	ENOTDIR: 404,
	ELOOP: 404,
	ESTALE: 409,
	EEXIST: 409,
	EISDIR: 409,
	ENOTEMPTY: 409,
	EXDEV: 409,
	EBUSY: 409,
	EACCES: 403,
	EPERM: 403,
	EROFS: 403,
	EINVAL: 400,
	EILSEQ: 400,
	ENAMETOOLONG: 400,
	EFBIG: 413,
	ENOSPC: 507,
	EDQUOT: 507,
	ETIMEDOUT: 504,
	EIO: 503,
	ENOTCONN: 503,
	EAGAIN: 503,
	EMFILE: 503,
	ENFILE: 503,
	EPROTO: 400,
}

/** Of those that say nothing but their name. */
const WORDS: Record<string, string> = {
	ENOENT: 'there is nothing at this path',
	ENOTDIR: 'a part of this path is no directory',
	ELOOP: 'a symlink on the way leads nowhere',
	EEXIST: 'something has that name',
	EISDIR: 'a directory is there',
	ENOTEMPTY: 'the directory is not empty',
	ENAMETOOLONG: 'a name has at most 255 bytes, a path 4095',
	ENOSPC: 'no node has the room',
	EFBIG: 'it is too large',
	ESTALE: 'somebody else changed it meanwhile',
	EIO: 'what it needs is not within reach',
	EMFILE: 'the door has too many files open',
	ENFILE: 'the machine has too many files open',
	ETIMEDOUT: 'a node does not answer in time',
}

const OF_CATALOGUE: Record<string, string> = { EIO: 'the catalogue is not within reach', ENOSPC: 'the catalogue has no room' }

export interface Failure {
	status: number
	/** An errno's name where there is one, else the status in words. */
	code: string
	message: string
	headers: Record<string, string>
}

/** Of anything thrown. A 500 says nothing of what it was: that is for the log. */
export function toFailure(error: unknown): Failure {
	if (error instanceof HttpError) return { status: error.status, code: `HTTP_${error.status}`, message: error.message, headers: error.headers }
	if (error instanceof Errno) {
		const status = STATUS[error.code] ?? 500
		const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_SECONDS) } : {}
		return { status, code: error.code, message: wordsOf(error), headers }
	}
	const { statusCode, message } = error as Partial<FastifyError>
	// What fastify itself refuses: a body that is too large, that does not fit the schema, that is no JSON.
	if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return { status: statusCode, code: `HTTP_${statusCode}`, message: message ?? '', headers: {} }
	return { status: 500, code: 'HTTP_500', message: 'something unexpected happened; the log says what', headers: {} }
}

/** What a driver says, and what is said of a node's own path, names hosts and paths that are nobody's business: that is for the log. */
function wordsOf(error: Errno): string {
	const { code, message } = error
	if (error instanceof CatalogueError && OF_CATALOGUE[code] !== undefined) return OF_CATALOGUE[code]
	return message === code || code === 'ETIMEDOUT' ? (WORDS[code] ?? code) : message
}

/** Sends it in the shape of everything that has no shape of its own. */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply, report: (line: string) => void): FastifyReply {
	const failure = toFailure(error)
	if (failure.status === 500) reportFailure(error, request, report)
	return reply.code(failure.status).headers(failure.headers).send(inGeneral(failure))
}

export function inGeneral({ code, message }: Failure): object {
	return { error: { code, message } }
}

export function reportFailure(error: unknown, request: Pick<FastifyRequest, 'method' | 'originalUrl'>, report: (line: string) => void): void {
	report(`${request.method} ${pathOf(request)}: ${(error as Error)?.stack ?? error}`)
}

/** Without what follows a question mark: a signature may be there. */
export function pathOf(request: Pick<FastifyRequest, 'originalUrl'>): string {
	return request.originalUrl.split('?', 1)[0]
}

/** In a line, as SeaweedFS and sfss say it. */
export const LINE_SCHEMA = { type: 'object', properties: { error: { type: 'string' } } } as const

export const ERROR_SCHEMA = {
	type: 'object',
	properties: { error: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } } },
} as const
