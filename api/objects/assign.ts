/** `/dir/assign`: an id to upload to. */
import type { FastifyInstance } from 'fastify'
import type { Reservation } from '../../core/catalogue/object-reservations.ts'
import { run } from '../../core/op.ts'
import { type Asking, mayReach } from '../access/access.ts'
import type { PlainRoute } from '../api.ts'
import { answer, plainAnswer, plainRefusal } from './answer.ts'
import { formatFid } from './fid.ts'
import type { Gateway } from './gateway.ts'
import { signJwt } from './jwt.ts'
import { checkPlacement } from './nodes.ts'
import { PLACEMENT, type Placement, parametersOf, placementOf } from './parameters.ts'
import { directoryOf } from './place.ts'

/** How long a token lets its holder upload. */
const KEY_SECONDS = 10
const METHODS = ['GET', 'POST', 'PUT']

export function assign(app: FastifyInstance, gateway: Gateway): void {
	app.route({
		method: METHODS,
		url: '/dir/assign',
		config: { access: 'write', byPath: true },
		schema: { summary: 'An id for an object, or for several', querystring: { type: 'object', properties: PLACEMENT } },
		handler: async (request, reply) => {
			const { fid, count } = await assignedTo(request, gateway, placementOf(parametersOf(request)))
			if (gateway.key !== '') reply.header('authorization', `Bearer ${keyFor(gateway, fid)}`)
			return answer(request, reply, 200, { fid, url: request.host, publicUrl: request.host, count })
		},
	})

	// Volumes are not made of anything here, so there are always enough of them.
	app.route({
		method: METHODS,
		url: '/vol/grow',
		config: { access: 'write', byPath: true },
		schema: { summary: 'Makes sure that objects could be placed so', querystring: { type: 'object', properties: PLACEMENT } },
		handler: async (request, reply) => {
			const placement = placementOf(parametersOf(request))
			mayReach(request, directoryOf(placement.collection), 'write')
			checkPlacement(gateway.fs, placement)
			await run(gateway.volumes.forAsked(toAsked(placement)))
			return answer(request, reply, 200, { count: placement.count })
		},
	})
}

const assignedTo = (asking: Asking, gateway: Gateway, placement: Placement): Promise<Assigned> => {
	mayReach(asking, directoryOf(placement.collection), 'write')
	return assigned(gateway, placement)
}

/** The same without the router, where nothing particular is asked for. */
export const plainAssign = (gateway: Gateway): PlainRoute => ({
	access: 'write',
	takes: ({ method, url }) => method === 'GET' && url === '/dir/assign',
	async handle({ headers: { host = '' }, grant }) {
		const { fid, count } = await assignedTo({ grant }, gateway, placementOf({}))
		return plainAnswer(200, {}, { fid, url: host, publicUrl: host, count })
	},
	refuse: plainRefusal,
})

export interface Assigned {
	fid: string
	volume: number
	key: number
	cookie: number
	count: number
	reservation: Reservation
}

export async function assigned(gateway: Gateway, placement: Placement): Promise<Assigned> {
	checkPlacement(gateway.fs, placement)
	const { id: volume } = await run(gateway.volumes.forAsked(toAsked(placement)))
	const reservation = await gateway.reserve(volume, placement.count)
	const { id: key, cookie, count } = reservation
	return { fid: formatFid({ volume, key, cookie }), volume, key, cookie, count, reservation }
}

function toAsked({ collection, ttl, zone, replication }: Placement) {
	return { collection, ttl: ttl.text, zone, replication }
}

export function keyFor({ key }: Gateway, fid: string): string {
	return signJwt(key, { fid, exp: Math.floor(Date.now() / 1000) + KEY_SECONDS })
}
