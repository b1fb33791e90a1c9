/** Counting requests: how long they took, by part and how they ended. */
import type { FastifyInstance } from 'fastify'
import { histogram } from '../../core/metrics/registry.ts'

export const seconds = histogram('cairn_http_seconds', 'Time from a request to the end of its answer, by part of the door and kind of status.', ['part', 'status'])

export function countRequests(app: FastifyInstance): void {
	app.addHook('onResponse', async (request, reply) => {
		const { part } = request.routeOptions.config
		seconds.observe(reply.elapsedTime / 1000, part?.name ?? '', `${Math.floor(reply.statusCode / 100)}xx`)
	})
}
