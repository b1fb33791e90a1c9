/** The dialect of sfss: small files, by a path in the query. */
import type { FastifyInstance } from 'fastify'
import type { Api, Part } from '../api.ts'
import { takeBodies } from '../content/body.ts'
import { LINE_SCHEMA, pathOf, toFailure } from '../errors.ts'
import { read } from './read.ts'
import { status } from './status.ts'
import { write } from './write.ts'

/** As they say it: no storage could be reached. */
const NO_STORAGE = 504
const INSTEAD: Record<string, number> = { EIO: NO_STORAGE, ENOTCONN: NO_STORAGE, EISDIR: 404 }

export const sfss: Part = {
	name: 'sfss',
	refusal: LINE_SCHEMA,
	answerError(error, request, reply, api) {
		const { status: found, code, message, headers } = toFailure(error)
		if (found === 500) api.report(`${request.method} ${pathOf(request)}: ${(error as Error).stack}`)
		const isReading = request.method === 'GET' || request.method === 'HEAD'
		const told = code === 'EISDIR' && !isReading ? found : (INSTEAD[code] ?? found)
		return reply.code(told).headers(headers).send({ error: message })
	},
	routes(app: FastifyInstance, api: Api) {
		takeBodies(app)
		for (const add of [read, write, status]) add(app, api)
	},
}
