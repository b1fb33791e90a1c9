/** Whether this process lives, and whether it can serve. For everybody: it says nothing about what is stored. */
import type { FastifyInstance } from 'fastify'
import type { Api } from '../api.ts'
import { reasonsAgainst } from './ready.ts'

const HEALTH = { type: 'object', properties: { status: { type: 'string' } } } as const
const READY = { type: 'object', properties: { ready: { type: 'boolean' }, reasons: { type: 'array', items: { type: 'string' } } } } as const

export function health(app: FastifyInstance, api: Api): void {
	app.get('/health', { config: { access: 'open' }, schema: { response: { 200: HEALTH } } }, async () => ({ status: 'ok' }))

	app.get('/ready', { config: { access: 'open' }, schema: { response: { 200: READY, 503: READY } } }, async (_, reply) => {
		const reasons = await reasonsAgainst(api)
		return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons })
	})

	app.get('/openapi.json', { config: { access: 'read', byPath: true }, schema: { hide: true } }, async () => app.swagger())
}
