/** The gateway of Hercules: the tree by path, replies as `{success, message, data}`. */
import type { FastifyInstance } from 'fastify'
import type { Api, Part } from '../api.ts'
import { takeBodies } from '../content/body.ts'
import { utf8 } from '../content/text-parameter.ts'
import { HttpError, pathOf, toFailure } from '../errors.ts'
import { content } from './content.ts'
import { names } from './names.ts'
import { reading } from './reading.ts'

const TEXT = { type: 'string' } as const
const REFUSAL = { type: 'object', properties: { success: { type: 'boolean' }, error: TEXT, code: TEXT, message: TEXT, data: { type: 'object', nullable: true } } } as const

export const hercules: Part = {
	name: 'hercules',
	refusal: REFUSAL,
	answerError(error, request, reply, api) {
		const { status, code, message, headers } = toFailure(error)
		if (status === 500) api.report(`${request.method} ${pathOf(request)}: ${(error as Error).stack}`)
		return reply.code(status).headers(headers).send({ success: false, error: message, code, message: 'Operation failed', data: null })
	},
	async routes(app: FastifyInstance, api: Api) {
		await app.register(async (scope) => {
			acceptJson(scope)
			for (const add of [reading, names]) add(scope, api)
		})
		await app.register(async (scope) => {
			takeBodies(scope)
			content(scope, api)
		})
	},
}

/** Whatever it says it is: curl says that it is a form. */
function acceptJson(app: FastifyInstance): void {
	const parse = app.getDefaultJsonParser('error', 'error')
	app.removeAllContentTypeParsers()
	app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
		const text = utf8(body as Buffer)
		if (text === undefined) done(new HttpError(400, 'the body is not UTF-8'))
		else parse(request, text, (error, value) => (error ? done(new HttpError(400, 'the body is not JSON')) : done(null, value)))
	})
}
