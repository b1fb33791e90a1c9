/** WebDAV, class 2 (RFC 4918): `/dav/PATH`, for programs that mount it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access, Api, Part } from '../api.ts'
import { takeBodies } from '../content/body.ts'
import { READ_ANSWERS } from '../content/send.ts'
import { PREFIX } from './address.ts'
import { answerError } from './answers.ts'
import { get, put } from './content.ts'
import { lock, unlock } from './lock.ts'
import { makeCollection, remove, transfer } from './names.ts'
import { propfind } from './propfind.ts'
import { proppatch } from './proppatch.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply, api: Api) => FastifyReply | Promise<FastifyReply>

/** `answers`: what a document of OpenAPI has of it, which knows the methods of HTTP only. */
const METHODS: Record<string, { access: Access; handler: Handler; answers?: readonly number[] }> = {
	OPTIONS: { access: 'read', handler: options, answers: [200] },
	GET: { access: 'read', handler: get, answers: READ_ANSWERS },
	HEAD: { access: 'read', handler: get, answers: READ_ANSWERS },
	PROPFIND: { access: 'read', handler: propfind },
	PUT: { access: 'write', handler: put, answers: [201, 204] },
	DELETE: { access: 'write', handler: remove, answers: [204] },
	MKCOL: { access: 'write', handler: makeCollection },
	MOVE: { access: 'write', handler: transfer },
	COPY: { access: 'write', handler: transfer },
	PROPPATCH: { access: 'write', handler: proppatch },
	LOCK: { access: 'write', handler: lock },
	UNLOCK: { access: 'write', handler: unlock },
}

const params = { type: 'object', properties: { '*': { type: 'string' } } } as const

export const part: Part = {
	name: 'dav',
	answerError,
	refusal: { content: { 'application/xml': { schema: { type: 'string' } } } },
	routes(app: FastifyInstance, api: Api): void {
		takeBodies(app)
		for (const [method, { access, handler, answers }] of Object.entries(METHODS)) {
			if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
			for (const url of [`${PREFIX}*`, PREFIX.slice(0, -1)]) app.route({
				method,
				url,
				config: { access, byPath: true, answers, swagger: { exposeHeadRoute: true } },
				schema: { hide: answers === undefined, summary: 'WebDAV', params },
				exposeHeadRoute: false,
				handler: (request, reply) => handler(request, reply, api),
			})
		}
	},
}

/** What is spoken here; Windows asks for the last one. */
function options(_: FastifyRequest, reply: FastifyReply): FastifyReply {
	return reply.headers({ dav: '1, 2', allow: Object.keys(METHODS).join(', '), 'ms-author-via': 'DAV' }).send()
}
