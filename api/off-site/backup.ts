/** Copies elsewhere: the door for agents. docs/BACKUP-PROTOCOL.md says what is spoken here. */
import type { FastifyInstance } from 'fastify'
import type { Api, Part } from '../api.ts'
import { agent } from './agent.ts'
import { readBodies } from './body.ts'
import { bundle } from './bundle.ts'
import { signedBy } from './credentials.ts'
import { answerRefusal, notFound } from './failure.ts'
import { file } from './file.ts'
import { hello } from './hello.ts'
import { signedByLegacy } from './legacy/credentials.ts'
import { filesystemApi } from './legacy/filesystem-api.ts'
import { notices } from './notices.ts'
import { orders } from './orders.ts'
import { proof } from './proof.ts'
import { stateOf } from './state.ts'
import { work } from './work.ts'

export const backup: Part = {
	name: 'backup',
	credentials: (request, api) => (request.routeOptions.url === '/filesystem-api.php' ? signedByLegacy(request, api) : signedBy(request, api)),
	async routes(app, api) {
		const state = stateOf(api)
		app.addHook('onClose', () => state.spending.end())
		agent(app, api)
		if (api.config.backup.legacy) await app.register(async (scope) => filesystemApi(scope, api))
		await app.register(async (scope) => protocol(scope, api), { prefix: '/backup/v1' })
	},
}

function protocol(app: FastifyInstance, api: Api): void {
	app.setErrorHandler((error, request, reply) => answerRefusal(error, request, reply, api.report))
	app.setNotFoundHandler((request, reply) => answerRefusal(notFound('there is no such route'), request, reply, api.report))
	readBodies(app)
	for (const routes of [hello, work, file, bundle, proof, notices, orders]) routes(app, api)
}
