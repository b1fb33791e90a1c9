/** Answers as SeaweedFS gives them: plain JSON, indented with `pretty=y`, errors as `{"error": "..."}`. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api, PlainAnswer } from '../api.ts'
import { type Failure, reportFailure, toFailure } from '../errors.ts'

const NO_SNIFF = { 'x-content-type-options': 'nosniff' } as const

export function answer(request: FastifyRequest, reply: FastifyReply, status: number, body: object): FastifyReply {
	const { pretty } = request.query as { pretty?: string }
	return reply
		.code(status)
		.headers({ 'content-type': 'application/json', ...NO_SNIFF })
		.send(JSON.stringify(body, null, pretty ? 2 : undefined))
}

/** The same without the router. */
export function plainAnswer(status: number, headers: Record<string, string>, body: object): PlainAnswer {
	return { status, headers: { ...headers, ...NO_SNIFF }, body }
}

export function plainRefusal({ status, message, headers }: Failure): PlainAnswer {
	return plainAnswer(status, headers, { error: message })
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, { report }: Api): FastifyReply {
	const { status, message, headers } = toFailure(error)
	if (status === 500) reportFailure(error, request, report)
	return answer(request, reply.headers(headers), status, { error: message })
}
