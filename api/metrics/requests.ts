/** Counting requests: how long they took, by part and how they ended. */
import type { FastifyInstance } from 'fastify'
import { histogram, observe, type Timing } from '../../core/metrics/registry.ts'

const seconds = histogram('cairn_http_seconds', 'Time from a request to the end of its answer, by part of the door and kind of status.', ['part', 'status'])

const timings = new Map<string, Timing[]>()

export function countRequest(part: string, status: number, ms: number): void {
	const own = timings.get(part) ?? []
	if (own.length === 0) timings.set(part, own)
	const kind = Math.floor(status / 100)
	own[kind] ??= seconds.timing(part, `${kind}xx`)
	observe(own[kind], ms / 1000)
}

export function countRequests(app: FastifyInstance): void {
	app.addHook('onResponse', async (request, reply) => {
		const { part } = request.routeOptions.config
		countRequest(part?.name ?? '', reply.statusCode, reply.elapsedTime)
	})
}
