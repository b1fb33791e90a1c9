/** A server for one address: limits, access, errors, its parts. */
import fastifySwagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import type { ListenConfig } from '../core/config/types.ts'
import { allowOrigins } from './access/cors.ts'
import { guard, introduce } from './access/access.ts'
import type { Api, Part } from './api.ts'
import { createFitting, type Known, methodsOf } from './allowed.ts'
import { described } from './described.ts'
import { answerFailure, HttpError, pathOf } from './errors.ts'
import { askFirst, inTurn, refuseMalformed, refuseUnclear } from './framing.ts'
import { answersAtOnce, beforeRouter } from './hot/at-once.ts'
import { answersPlainly } from './hot/plainly.ts'
import { beforeHttp } from './hot/wire.ts'
import { health } from './health/health.ts'
import type { RequestLog } from './log.ts'
import { countRequests } from './metrics/requests.ts'
import { endSlow } from './pace.ts'
import { partFromSenders } from './parting.ts'
import { loadParts } from './parts.ts'

/** Of a body that is read whole; parts that take content stream it, whatever its size. */
const BODY_BYTES_MAX = 1_048_576
const HEADERS_MS_MAX = 20_000
/** With four bytes of name for each of a path of 4095. */
const PARAMETER_CHARACTERS_MAX = 16_384
/** davfs2 names each of the files it holds locked below a directory that it moves: room for 600. */
const HEADER_BYTES_MAX = 65_536

export interface Certificate {
	cert: Buffer
	key: Buffer
}

export interface Route {
	method: string
	url: string
}

export interface Server {
	app: FastifyInstance
	/** Every one it has. */
	routes: Route[]
}

export async function createServer(api: Api, at: ListenConfig, log: RequestLog, certificate?: Certificate): Promise<Server> {
	const { idleMs, trustedProxies } = api.config.api
	const options = {
		bodyLimit: BODY_BYTES_MAX,
		connectionTimeout: idleMs,
		keepAliveTimeout: idleMs,
		// Of the head only: content may take as long as it keeps coming.
		requestTimeout: 0,
		forceCloseConnections: 'idle' as const,
		trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
		rewriteUrl: ({ url = '/' }: { url?: string }) => routable(url),
		routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
		// Not strict with numbers: it would not compare what '1e999' becomes with the limits of a schema.
		ajv: { customOptions: { coerceTypes: 'array' as const, removeAdditional: false, strictNumbers: false } },
		return503OnClosing: true,
		clientErrorHandler: refuseMalformed,
	}
	// Which hosts a request says is looked at with the rest of its head.
	const server = { maxHeaderSize: HEADER_BYTES_MAX, requireHostHeader: false }
	const made = certificate ? fastify({ ...options, https: { ...server, ...certificate } }) : fastify({ ...options, http: server })
	// Parts know one kind of server: with a certificate it is the same, behind TLS.
	const app = made as unknown as FastifyInstance
	app.server.headersTimeout = HEADERS_MS_MAX
	introduce(app)
	refuseUnclear(app)
	endSlow(app, api.config.api)
	allowOrigins(app, api.config.api.corsOrigins)
	const parts = await loadParts(at.parts)
	const inGeneral: Part['answerError'] = (error, request, reply) => answerFailure(error, request, reply, api.report)
	const ofNothing = (parts.length === 1 ? parts[0].answerError : undefined) ?? inGeneral
	app.setErrorHandler((error, request, reply) => inGeneral(error, request, reply, api))
	const routes: Known[] = []
	const fitting = createFitting(routes)
	app.setNotFoundHandler((request, reply) => {
		const others = fitting(pathOf(request))
		// A path that fits only as it is written is another one where the router looks: there is nothing there.
		if (others.length === 0 || others.some(({ method }) => method === request.method)) return ofNothing(new HttpError(404, 'there is nothing at this address'), request, reply, api)
		const allow = methodsOf(others)
		if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send()
		const answerError = others[0].config.part?.answerError ?? ofNothing
		return answerError(new HttpError(405, `this address does not take ${request.method}`, { allow }), request, reply, api)
	})
	app.addHook('onRoute', ({ method, url, config = {} }) => void routes.push(...[method].flat().map((each) => ({ method: each, url, config }))))
	const gate = await guard(app, api, at)
	askFirst(app)
	partFromSenders(app)
	log.listen(app)
	countRequests(app)
	const atOnce = at.parts === undefined || at.parts.includes('files') ? answersAtOnce(api, gate, log) : undefined
	if (atOnce) beforeRouter(app.server, atOnce)
	if (!certificate) {
		const end = beforeHttp(app.server, { atOnce, plainly: answersPlainly(api, parts, gate, log), stale: api.tokens.stale, idleMs, stopping: api.stopping })
		app.addHook('preClose', async () => end())
	}
	inTurn(app.server)
	await app.register(fastifySwagger, {
		transform: described,
		openapi: {
			openapi: '3.0.3',
			info: { title: 'Cairn', version: '1' },
			components: {
				securitySchemes: {
					token: { type: 'http', scheme: 'bearer' },
					site: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'the signature of a site' },
				},
			},
			security: [{ token: [] }],
		},
	})
	await app.register(async (scope) => health(scope, api))
	for (const part of parts) {
		await app.register(async (scope) => {
			scope.addHook('onRoute', ({ config }) => {
				if (config) config.part = part
			})
			const { answerError } = part
			if (answerError) scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, api))
			await part.routes(scope, api)
		})
	}
	return { app, routes }
}

/** Names are bytes: an address need not decode to text. The router is shown one that does; handlers read `originalUrl`. */
function routable(url: string): string {
	const end = url.indexOf('?')
	const path = end === -1 ? url : url.slice(0, end)
	try {
		decodeURIComponent(path)
		return url
	} catch {
		return path.replaceAll('%', '%25') + (end === -1 ? '' : url.slice(end))
	}
}
