import type { FastifyInstance } from 'fastify'
import type { Api } from '../api.ts'
import { handOverBy } from '../content/hand-over.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { sealed } from '../content/sealed.ts'
import { READ_ANSWERS, sendFile } from '../content/send.ts'
import { reachExisting } from '../tree/reach.ts'
import { pathAsked, QUERY } from './path.ts'

export function read(app: FastifyInstance, api: Api): void {
	app.route({
		method: ['GET', 'HEAD'],
		url: '/file',
		config: { access: 'read', byPath: true, answers: READ_ANSWERS },
		schema: { summary: 'The content of a file', querystring: QUERY },
		handler: (request, reply) => {
			const path = pathAsked(request)
			return sendFile(request, reply, api, {
				find: () => reachExisting(request, api.fs, path, { role: 'read' }),
				handOver: handOverBy(request, reply, api),
				headersOf: () => sealed(mediaTypeOf(path)),
			})
		},
	})
}
