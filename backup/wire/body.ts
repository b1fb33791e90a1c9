/** The bytes of an answer, passed on as they come. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Broken } from './failures.ts'

/** A part is good until it returns; a promise: no more parts until it holds. */
export type Use = (part: Buffer) => Promise<void> | undefined

export interface Body {
	readonly statusCode: number
	readonly headers: IncomingHttpHeaders
	/** To the end. */
	each(use: Use): Promise<void>
	destroy(): void
}

export function bodyOf(answer: IncomingMessage): Body {
	return {
		statusCode: answer.statusCode as number,
		headers: answer.headers,
		each: (use) => each(answer, use),
		destroy: () => answer.destroy(),
	}
}

function each(answer: IncomingMessage, use: Use): Promise<void> {
	return new Promise((resolve, reject) => {
		const end = (error?: Error) => {
			if (error) answer.destroy()
			error ? reject(error) : resolve()
		}
		answer.on('data', (part: Buffer) => {
			try {
				const until = use(part)
				if (until === undefined) return
				answer.pause()
				until.then(() => answer.resume(), end)
			} catch (error) {
				end(error as Error)
			}
		})
		answer.on('end', () => end())
		answer.on('error', (error) => end(new Broken(error.message)))
		answer.on('close', () => end(new Broken('the connection was cut')))
	})
}
