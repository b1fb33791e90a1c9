/** The `Destination` of MOVE and COPY (RFC 4918, 10.3): an address of this door, or a path of it. */
import type { FastifyRequest } from 'fastify'
import { HttpError } from '../errors.ts'
import { pathIn } from '../content/paths.ts'
import type { Path } from '../../core/ids.ts'

/** Below the prefix that the request itself is below. */
export function destinationOf({ headers }: Pick<FastifyRequest, 'headers'>, prefix: string): Path {
	const { destination } = headers
	if (typeof destination !== 'string') throw new HttpError(400, 'the request does not say where to (Destination)')
	// Whichever name this door has for its clients: a proxy may stand in front.
	const path = destination.replace(/^https?:\/\/[^/]*/i, '')
	if (!path.startsWith(prefix)) throw new HttpError(502, `the destination is not below ${prefix}`)
	return pathIn(path)
}

/** `Overwrite: F`: not where something is. */
export function mayOverwrite({ headers: { overwrite } }: Pick<FastifyRequest, 'headers'>): boolean {
	return !/^\s*f\s*$/i.test(String(overwrite ?? 'T'))
}
