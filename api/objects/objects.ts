/** SeaweedFS's dialect: ids are assigned, content is uploaded to them, and every object is a plain file in the tree. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Api, Grant, Part } from '../api.ts'
import { takeBodies } from '../content/body.ts'
import { LINE_SCHEMA } from '../errors.ts'
import { answerError } from './answer.ts'
import { assign, plainAssign } from './assign.ts'
import { collections } from './collections.ts'
import { content, plainUpload } from './content.ts'
import { gatewayOf } from './gateway.ts'
import { keyGrant } from './key-grant.ts'
import { lookup } from './lookup.ts'
import { acceptForms } from './parameters.ts'
import { plainSubmit, submit } from './submit.ts'
import { topology } from './topology.ts'

export const objects: Part = {
	name: 'objects',
	refusal: LINE_SCHEMA,
	answerError,
	async routes(app: FastifyInstance, api: Api) {
		const gateway = gatewayOf(api)
		await app.register(async (scope) => {
			acceptForms(scope)
			for (const add of [assign, lookup, topology, collections]) add(scope, gateway)
		})
		await app.register(async (scope) => {
			takeBodies(scope)
			for (const add of [submit, content]) add(scope, gateway)
		})
	},
	/** Where single objects have keys, these are looked at first. */
	plain(api: Api) {
		const gateway = gatewayOf(api)
		return gateway.key === '' ? [plainAssign(gateway), plainUpload(gateway), plainSubmit(gateway)] : []
	},
	async credentials(request: FastifyRequest, api: Api): Promise<Grant | undefined> {
		return keyGrant(request, gatewayOf(api))
	},
}
