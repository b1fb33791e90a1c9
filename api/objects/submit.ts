/** `/submit`: an id and the upload to it in one. */
import type { FastifyInstance } from 'fastify'
import { type Asking, mayReach } from '../access/access.ts'
import { stillHolds } from '../access/still.ts'
import type { PlainRoute } from '../api.ts'
import { lengthOf } from '../content/body.ts'
import { answer, plainAnswer, plainRefusal } from './answer.ts'
import { assigned } from './assign.ts'
import { refuseManifest, secondsOf } from './content.ts'
import { formatCrc } from './crc32c.ts'
import type { Gateway } from './gateway.ts'
import { type Incoming, incoming, incomingWhole } from './incoming.ts'
import { checkPlacement } from './nodes.ts'
import { PLACEMENT, type Parameters, type Placement, placementOf, query } from './parameters.ts'
import { directoryOf } from './place.ts'
import { put, type Said } from './put.ts'

const NAMELESS = { name: '', extension: '' }

export function submit(app: FastifyInstance, gateway: Gateway): void {
	app.route({
		method: 'POST',
		url: '/submit',
		config: { access: 'write', byPath: true, answers: [201] },
		schema: { summary: 'Uploads an object under a new id', querystring: { type: 'object', properties: { ...PLACEMENT, ...query('ts', 'cm').properties } } },
		handler: async (request, reply) => {
			const parameters = request.query as Parameters
			refuseManifest(parameters.cm)
			const placement = placeable(request, gateway, placementOf({ ...parameters, count: '1' }))
			const arriving = await incoming(request, NAMELESS, gateway.config.api.objectBytesMax)
			const said = { announced: lengthOf(request), modifiedSeconds: secondsOf(parameters.ts), extension: '', holds: stillHolds(request, gateway) }
			return answer(request, reply, 201, await submitted(gateway, placement, { arriving, host: request.host, said }))
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

/** The same without the router, where nothing particular is asked for. */
export const plainSubmit = (gateway: Gateway): PlainRoute => ({
	access: 'write',
	takes: ({ method, url }) => method === 'POST' && url === '/submit',
	async handle({ headers, body, grant }) {
		const placement = placeable({ grant }, gateway, placementOf({ count: '1' }))
		const arriving = await incomingWhole(headers, NAMELESS, body)
		const said = { announced: body.length, modifiedSeconds: undefined, extension: '' }
		return plainAnswer(201, {}, await submitted(gateway, placement, { arriving, host: headers.host ?? '', said }))
	},
	refuse: plainRefusal,
})

/** Before its content is read. */
function placeable(asking: Asking, { fs }: Gateway, placement: Placement): Placement {
	mayReach(asking, directoryOf(placement.collection), 'write')
	checkPlacement(fs, placement)
	return placement
}

async function submitted(gateway: Gateway, placement: Placement, { arriving, host, said }: { arriving: Incoming; host: string; said: Said }): Promise<object> {
	const { fid, volume, key, cookie, reservation } = await assigned(gateway, placement)
	const { collection, zone, ttl } = placement
	const target = { fid: { volume, key, cookie }, collection, zone, lastsSeconds: ttl.seconds, file: undefined, reservation }
	const { row, crc } = await put(gateway, target, arriving, said)
	return { fileName: arriving.name, fid, fileUrl: `${host}/${fid}`, size: row.size, eTag: formatCrc(crc) }
}
