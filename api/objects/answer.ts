/** Answers as SeaweedFS gives them: plain JSON, indented with `pretty=y`, errors as `{"error": "..."}`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { pathOf, toFailure } from '../errors.ts'

export function answer(request: FastifyRequest, reply: FastifyReply, status: number, body: object): FastifyReply {
	const { pretty } = request.query as { pretty?: string }
	return reply
		.code(status)
		.headers({ 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
		.send(JSON.stringify(body, null, pretty ? 2 : undefined))
}

export function setErrorShape(app: FastifyInstance, report: (line: string) => void): void {
	app.setErrorHandler((error: Error, request, reply) => {
		const { status, message, headers } = toFailure(error)
		if (status === 500) report(`${request.method} ${pathOf(request)}: ${error.stack}`)
		return answer(request, reply.headers(headers), status, { error: message })
	})
}
