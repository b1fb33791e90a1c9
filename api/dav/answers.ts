/** What WebDAV answers look like. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import { pathOf, toFailure } from '../errors.ts'
import { escaped } from './xml.ts'

export const XML_TYPE = 'application/xml; charset=utf-8'
const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
export const MULTISTATUS = { open: `${DECLARATION}<D:multistatus xmlns:D="DAV:">\n`, close: '\n</D:multistatus>\n' }

export function document(content: string): string {
	return `${DECLARATION}${content}\n`
}

/** Errors in the one shape of this part: a precondition of RFC 4918 where there is one, and words. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, { report }: Api): FastifyReply {
	const failure = toFailure(error)
	if (failure.status === 500) report(`${request.method} ${pathOf(request)}: ${(error as Error)?.stack ?? error}`)
	const condition = failure.status === 423 ? '<D:lock-token-submitted/>' : failure.message === 'propfind-finite-depth' ? '<D:propfind-finite-depth/>' : ''
	const message = `<message xmlns="urn:cairn">${escaped(failure.message)}</message>`
	return reply.code(failure.status).headers(failure.headers).type(XML_TYPE).send(document(`<D:error xmlns:D="DAV:">${condition}${message}</D:error>`))
}
