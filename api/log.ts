/** A line of JSON for each request, without what would let its reader in. */
import { createWriteStream } from 'node:fs'
import type { FastifyInstance } from 'fastify'

const SECRET = /([?&](?:signature|sig|jwt|token)=)[^&]*/gi

export interface LogLine {
	from: string
	who: string
	method: string
	url: string
	status: number
	ms: number
}

export interface RequestLog {
	/** Undefined where nobody wants to know. */
	readonly write: ((line: LogLine) => void) | undefined
	listen(app: FastifyInstance): void
	end(): void
}

/** `to`: a file, '-' for standard output, '' for nowhere. */
export function openRequestLog(to: string, report: (line: string) => void): RequestLog {
	if (to === '') return { write: undefined, listen: () => undefined, end: () => undefined }
	const stream = to === '-' ? process.stdout : createWriteStream(to, { flags: 'a', mode: 0o600 })
	if (to !== '-') stream.on('error', (error) => report(`request log ${to}: ${error.message}`))

	function write({ url, ms, ...rest }: LogLine): void {
		stream.write(`${JSON.stringify({ at: new Date().toISOString(), ...rest, url: url.replace(SECRET, '$1...'), ms: Math.round(ms) })}\n`)
	}

	return {
		write,
		listen: (app) =>
			void app.addHook('onResponse', async ({ ip, grant, method, originalUrl }, { statusCode, elapsedTime }) =>
				write({ from: ip, who: grant.name, method, url: originalUrl, status: statusCode, ms: elapsedTime }),
			),
		end: () => (to === '-' ? undefined : stream.end()),
	}
}
