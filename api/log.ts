/** A line of JSON for each request, without what would let its reader in. */
import { createWriteStream } from 'node:fs'
import type { FastifyInstance } from 'fastify'

const SECRET = /([?&](?:signature|sig|jwt|token)=)[^&]*/gi

export interface RequestLog {
	listen(app: FastifyInstance): void
	end(): void
}

/** `to`: a file, '-' for standard output, '' for nowhere. */
export function openRequestLog(to: string, report: (line: string) => void): RequestLog {
	if (to === '') return { listen: () => undefined, end: () => undefined }
	const stream = to === '-' ? process.stdout : createWriteStream(to, { flags: 'a', mode: 0o600 })
	if (to !== '-') stream.on('error', (error) => report(`request log ${to}: ${error.message}`))
	return {
		listen: (app) =>
			void app.addHook('onResponse', async (request, reply) => {
				const line = {
					at: new Date().toISOString(),
					from: request.ip,
					who: request.grant.name,
					method: request.method,
					url: request.originalUrl.replace(SECRET, '$1...'),
					status: reply.statusCode,
					ms: Math.round(reply.elapsedTime),
				}
				stream.write(`${JSON.stringify(line)}\n`)
			}),
		end: () => (to === '-' ? undefined : stream.end()),
	}
}
