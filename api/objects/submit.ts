/** `/submit`: an id and the upload to it in one. */
import type { FastifyInstance } from 'fastify'
import { mayReach } from '../access/access.ts'
import { stillHolds } from '../access/still.ts'
import { lengthOf } from '../content/body.ts'
import { answer } from './answer.ts'
import { assigned } from './assign.ts'
import { refuseManifest, secondsOf } from './content.ts'
import { formatCrc } from './crc32c.ts'
import type { Gateway } from './gateway.ts'
import { incoming } from './incoming.ts'
import { checkPlacement } from './nodes.ts'
import { PLACEMENT, type Parameters, placementOf, query } from './parameters.ts'
import { directoryOf } from './place.ts'
import { put } from './put.ts'

export function submit(app: FastifyInstance, gateway: Gateway): void {
	app.route({
		method: 'POST',
		url: '/submit',
		config: { access: 'write', byPath: true },
		schema: { summary: 'Uploads an object under a new id', querystring: { type: 'object', properties: { ...PLACEMENT, ...query('ts', 'cm').properties } } },
		handler: async (request, reply) => {
			const parameters = request.query as Parameters
			refuseManifest(parameters.cm)
			const placement = placementOf({ ...parameters, count: '1' })
			mayReach(request, directoryOf(placement.collection), 'write')
			checkPlacement(gateway.fs, placement)
			const arriving = await incoming(request, { name: '', extension: '' }, gateway.config.api.objectBytesMax)
			const { fid, volume, key, cookie, reservation } = await assigned(gateway, placement)
			const { collection, zone, ttl } = placement
			const target = { fid: { volume, key, cookie }, collection, zone, lastsSeconds: ttl.seconds, file: undefined, reservation }
			const { row, crc } = await put(gateway, target, arriving, { announced: lengthOf(request), modifiedSeconds: secondsOf(parameters.ts), extension: '', holds: stillHolds(request, gateway) })
			const eTag = formatCrc(crc)
			return answer(request, reply, 201, { fileName: arriving.name, fid, fileUrl: `${request.host}/${fid}`, size: row.size, eTag })
		},
	})

	app.route({
		method: ['GET', 'PUT', 'DELETE'],
		url: '/submit',
		config: { access: 'write', byPath: true },
		schema: { hide: true, querystring: query() },
		handler: async (request, reply) => answer(request, reply.header('allow', 'POST'), 405, { error: 'only POST' }),
	})
}
