/** A line of JSON for each request, without what would let its reader in. */
import { appendFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

const SECRET = /([?&](?:signature|sig|jwt|token)=)[^&]*/gi
/** Of a disk that does not take them. */
const WAITING_LINES_MAX = 100_000

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
	/** When all of it is written. */
	end(): Promise<void>
}

/** `to`: a file, '-' for standard output, '' for nowhere. */
export function openRequestLog(to: string, report: (line: string) => void): RequestLog {
	if (to === '') return { write: undefined, listen: () => undefined, end: async () => undefined }
	const { put, end } = to === '-' ? { put: (line: string) => void process.stdout.write(line), end: async () => undefined } : toFile(to, report)

	function write({ url, ms, ...rest }: LogLine): void {
		put(`${JSON.stringify({ at: new Date().toISOString(), ...rest, url: url.replace(SECRET, '$1...'), ms: Math.round(ms) })}\n`)
	}

	return {
		write,
		listen: (app) =>
			void app.addHook('onResponse', async ({ ip, grant, method, originalUrl }, { statusCode, elapsedTime }) =>
				write({ from: ip, who: grant.name, method, url: originalUrl, status: statusCode, ms: elapsedTime }),
			),
		end,
	}
}

/** Opened for all that waits: whoever moves the file away finds the next lines in a new one, and what a disk refuses is no reason not to try again. */
function toFile(path: string, report: (line: string) => void): { put(line: string): void; end(): Promise<void> } {
	let isRefused = false
	// That it cannot be written is said at the beginning.
	let waiting = ['']
	let writing: Promise<void> | undefined = writeAll()

	async function writeAll(): Promise<void> {
		while (waiting.length > 0) {
			// Of what was refused the beginning may be there.
			const text = (isRefused ? '\n' : '') + waiting.join('')
			waiting = []
			try {
				await appendFile(path, text, { mode: 0o600 })
				isRefused = false
			} catch (error) {
				if (!isRefused) report(`request log ${path}: ${(error as Error).message}`)
				isRefused = true
			}
		}
		writing = undefined
	}

	return {
		put(line) {
			if (waiting.length < WAITING_LINES_MAX) waiting.push(line)
			writing ??= writeAll()
		},
		end: async () => await writing,
	}
}
