/** `/status`: what there is to say of the nodes and of this door, all of it as text. */
import { arch, hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { Node } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import type { Api } from '../api.ts'

type Facts = Record<string, string>

export function status(app: FastifyInstance, { fs }: Api): void {
	app.get('/status', { config: { access: 'read' }, schema: { summary: 'Nodes, and this door' } }, async (_request, reply) => {
		const storages = Object.fromEntries([...fs.nodes.values()].map((node) => [node.name, factsOf(node)]))
		const body = { storages, webserver: { host: hostname(), machine: arch(), pid: String(process.pid), uptime: String(Math.floor(process.uptime())), rss: String(process.memoryUsage.rss()) } satisfies Facts }
		return reply.code(Object.values(storages).some(({ state }) => state === 'up') ? 200 : 504).send(body)
	})
}

function factsOf(node: Node): Facts {
	const { row, space, health } = node
	const common = { zone: row.zone, rule: row.state, capacity: String(space.capacity), free: String(space.free) }
	return inService(node) ? { state: 'up', ...common } : { state: 'down', since: String(health.since), reason: health.reason, ...common }
}
