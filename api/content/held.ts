/** Bodies that have to be there whole before anything is done with them: few, and not too many bytes of all of them at a time. */
import type { FastifyRequest } from 'fastify'
import { HttpError } from '../errors.ts'
import { bodyOf, lengthOf } from './body.ts'

const HELD_BYTES_MAX = 64 * 1024 * 1024
const RETRY_SECONDS = 1

let held = 0

/** What `use` makes of all of it. */
export async function withWhole<T>(request: FastifyRequest, bytesMax: number, use: (whole: Buffer) => Promise<T> | T): Promise<T> {
	const parts: Uint8Array[] = []
	let bytes = 0
	const check = (count: number) => {
		if (count > bytesMax) throw new HttpError(413, `at most ${bytesMax} bytes at a time`)
	}
	check(lengthOf(request) ?? 0)
	try {
		for await (const part of bodyOf(request)) {
			bytes += part.length
			held += part.length
			check(bytes)
			if (held > HELD_BYTES_MAX) throw new HttpError(503, 'too much is being sent at once', { 'retry-after': String(RETRY_SECONDS) })
			parts.push(part)
		}
		return await use(Buffer.concat(parts))
	} finally {
		held -= bytes
	}
}
