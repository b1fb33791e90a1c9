/** The agent to download: it is no secret. */
import type { FastifyInstance } from 'fastify'
import type { AgentFile } from '../../core/off-site/agent-file.ts'
import type { Api } from '../api.ts'
import { notFound } from './failure.ts'

const config = { access: 'open' } as const

export function agent(app: FastifyInstance, api: Api): void {
	let built: Promise<AgentFile> | undefined

	async function build(): Promise<AgentFile> {
		if (!api.buildAgent) throw notFound('this door was started without an agent to hand out')
		built ??= api.buildAgent().catch((error: Error) => {
			built = undefined
			throw error
		})
		return await built
	}

	app.get('/backup/agent.mjs', { config, schema: { summary: 'the agent', tags: ['backup'] } }, async (_, reply) => {
		const { text, sha256 } = await build()
		return reply.headers({ 'content-type': 'text/javascript; charset=utf-8', etag: `"${sha256}"` }).send(text)
	})

	app.get('/backup/agent.mjs.sha256', { config, schema: { summary: 'its SHA-256', tags: ['backup'] } }, async (_, reply) => {
		const { sha256 } = await build()
		return reply.type('text/plain; charset=utf-8').send(`${sha256}\n`)
	})
}
