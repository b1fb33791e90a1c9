/** Answers as SeaweedFS gives them: plain JSON, indented with `pretty=y`, errors as `{"error": "..."}`. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import { pathOf, toFailure } from '../errors.ts'

export function answer(request: FastifyRequest, reply: FastifyReply, status: number, body: object): FastifyReply {
	const { pretty } = request.query as { pretty?: string }
	return reply
		.code(status)
		.headers({ 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
		.send(JSON.stringify(body, null, pretty ? 2 : undefined))
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, { report }: Api): FastifyReply {
	const { status, message, headers } = toFailure(error)
	if (status === 500) report(`${request.method} ${pathOf(request)}: ${(error as Error).stack}`)
	return answer(request, reply.headers(headers), status, { error: message })
}
