/** Files by their path: `/files/PATH`. */
import type { FastifyInstance } from 'fastify'
import { signingKey } from '../../core/access/signed-url.ts'
import { run } from '../../core/op.ts'
import type { Api, Part } from '../api.ts'
import { takeBodies } from '../content/body.ts'
import { signer } from '../content/hand-over.ts'
import { ERROR_SCHEMA } from '../errors.ts'
import { tus } from '../tus/tus.ts'
import { makeCollection, remove, transfer } from './change.ts'
import { get } from './get.ts'
import { hrefOf, PREFIX } from './listing.ts'
import { plainPut, post, put } from './put.ts'

const READ = { access: 'read', byPath: true } as const
const WRITE = { access: 'write', byPath: true } as const

const params = { type: 'object', properties: { '*': { type: 'string', description: 'a path; its bytes may be written %xx' } } } as const
const failures = { '4xx': ERROR_SCHEMA, '5xx': ERROR_SCHEMA } as const
const empty = { type: 'null', description: 'nothing' } as const
const elsewhere = { type: 'null', description: 'the door that has it (`doors`), with an address that is good for a while' } as const
const CONTENT = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } as const
const STORED = {
	type: 'object',
	properties: { path: { type: 'string' }, href: { type: 'string' }, size: { type: 'integer' }, sha256: { type: 'string' } },
} as const
const LISTING = {
	type: 'object',
	description: 'of a directory; a file is sent as it is',
	properties: {
		path: { type: 'string' },
		href: { type: 'string' },
		entries: {
			type: 'array',
			items: {
				type: 'object',
				properties: {
					name: { type: 'string' },
					href: { type: 'string' },
					type: { type: 'string' },
					size: { type: 'integer' },
					modified: { type: 'string' },
					mode: { type: 'string' },
				},
			},
		},
		next: { type: 'string', description: 'the address of the next page, if there is one' },
	},
} as const
const listing = {
	type: 'object',
	properties: {
		dl: { type: 'string', description: 'as a download' },
		limit: { type: 'string', description: 'entries of a page' },
		after: { type: 'string', description: 'the name before the first of the page' },
	},
} as const

export const part: Part = {
	name: 'files',
	plain: (api) => [plainPut(api)],
	async routes(app: FastifyInstance, api: Api): Promise<void> {
		const signed = signer(await run(signingKey(api.fs.catalogue)), (path) => hrefOf(path, false))
		takeBodies(app)
		for (const method of ['MKCOL', 'MOVE', 'COPY']) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
		tus(app, api)
		const url = `${PREFIX}*`
		app.route({
			method: ['GET', 'HEAD'],
			url,
			config: READ,
			schema: { summary: 'a file, or what a directory has in it', params, querystring: listing, response: { 200: { content: { 'application/json': { schema: LISTING }, ...CONTENT } }, 206: { content: CONTENT }, 304: empty, 307: elsewhere, ...failures } },
			handler: (request, reply) => get(request, reply, api, signed),
		})
		app.route({
			method: 'PUT',
			url,
			config: WRITE,
			schema: { summary: 'a file, whole or not at all', params, response: { 200: STORED, 201: STORED, ...failures } },
			handler: (request, reply) => put(request, reply, api),
		})
		app.route({
			method: 'POST',
			url,
			config: WRITE,
			schema: { summary: 'the file of a form, into a directory', params, consumes: ['multipart/form-data'], response: { 200: STORED, 201: STORED, 303: empty, ...failures } },
			handler: (request, reply) => post(request, reply, api),
		})
		app.route({
			method: 'DELETE',
			url,
			config: WRITE,
			schema: { summary: 'removes a name', params, querystring: { type: 'object', properties: { recursive: { type: 'string' } } }, response: { 204: empty, ...failures } },
			handler: (request, reply) => remove(request, reply, api),
		})
		app.route({ method: 'MKCOL', url, config: WRITE, schema: { hide: true, params }, handler: (request, reply) => makeCollection(request, reply, api) })
		app.route({ method: ['MOVE', 'COPY'], url, config: WRITE, schema: { hide: true, params }, handler: (request, reply) => transfer(request, reply, api) })
	},
}
