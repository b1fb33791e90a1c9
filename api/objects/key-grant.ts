/** Whoever has a token for one object may do with it what the token says, and nothing else. */
import type { FastifyRequest } from 'fastify'
import type { Grant } from '../api.ts'
import { HttpError } from '../errors.ts'
import { parseAddress } from './address.ts'
import { assignedFid } from './fid.ts'
import type { Gateway } from './gateway.ts'
import { isValidJwt } from './jwt.ts'

const LOOKS_LIKE_ONE = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Undefined where none was sent. Looked for in the query, in `Authorization`, in the cookie `AT`. */
export function keyGrant(request: FastifyRequest, { key }: Gateway): Grant | undefined {
	if (key === '') return undefined
	const token = tokenOf(request)
	if (token === undefined) return undefined
	const { fid, volume, id, name } = request.params as Record<string, string | undefined>
	const address = fid !== undefined ? parseAddress([fid]) : volume !== undefined && id !== undefined ? parseAddress([volume, id, ...(name ? [name] : [])]) : ''
	if (typeof address === 'string' || !isValidJwt(key, token, assignedFid(address.fid), Date.now() / 1000)) throw new HttpError(401, 'wrong jwt')
	return { name: 'key of an object', role: 'write', scope: undefined, anonymous: false }
}

function tokenOf({ query, headers }: FastifyRequest): string | undefined {
	const { jwt } = query as { jwt?: string }
	const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
	const [, cookie] = /(?:^|;\s*)AT=([^;\s]+)/.exec(headers.cookie ?? '') ?? []
	return [jwt, bearer, cookie].find((text) => text !== undefined && LOOKS_LIKE_ONE.test(text))
}
