/** `/dir/lookup`: where a volume is. Any door serves any object, so it is where it was asked. */
import type { FastifyInstance } from 'fastify'
import { run } from '../../core/op.ts'
import { answer } from './answer.ts'
import { keyFor } from './assign.ts'
import { assignedFid, parseFid, parseVolume, splitFid } from './fid.ts'
import type { Gateway } from './gateway.ts'
import { parametersOf, query } from './parameters.ts'

export function lookup(app: FastifyInstance, gateway: Gateway): void {
	app.route({
		method: ['GET', 'POST', 'PUT'],
		url: '/dir/lookup',
		config: { access: 'read', byPath: true },
		schema: { summary: 'Where a volume is', querystring: query('volumeId', 'fileId', 'collection', 'read') },
		handler: async (request, reply) => {
			const { volumeId, fileId, read } = parametersOf(request)
			const asked = fileId ?? volumeId ?? ''
			const [number, rest] = splitFid(asked)
			const volume = parseVolume(number)
			if (volume === undefined) return answer(request, reply, 400, { volumeOrFileId: asked, error: `volume id '${number}' is not a number` })
			const row = await run(gateway.volumes.find(volume))
			if (!row) return answer(request, reply, 404, { volumeId: number, volumeOrFileId: asked, error: `volume id ${number} not found` })
			const fid = rest === '' ? 'none' : parseFid(number, rest)
			// Who may only read gets no key to write with.
			const mayWrite = request.grant.role !== 'read' && request.grant.role !== 'site' && request.grant.scope === undefined
			if (gateway.key !== '' && typeof fid !== 'string' && mayWrite && !read) reply.header('authorization', `Bearer ${keyFor(gateway, assignedFid(fid))}`)
			return answer(request, reply, 200, { volumeId: number, volumeOrFileId: asked, locations: [{ url: request.host, publicUrl: request.host }] })
		},
	})
}
