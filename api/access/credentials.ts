/** What a request says of who sends it, by the means that every part takes. */
import type { FastifyRequest } from 'fastify'
import { isSignedBy, withoutSignature } from '../../core/access/signed-url.ts'
import type { Grant } from '../api.ts'

/** `Authorization: Bearer TOKEN`, or Basic with the token as the password: what WebDAV clients and browsers can send. */
export function tokenOf({ headers: { authorization } }: Pick<FastifyRequest, 'headers'>): string | undefined {
	const [, scheme, value] = /^(\w+) +(\S+) *$/.exec(authorization ?? '') ?? []
	if (scheme?.toLowerCase() === 'bearer') return value
	if (scheme?.toLowerCase() !== 'basic') return undefined
	const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
	return password
}

const READING = new Set(['GET', 'HEAD'])

/** Undefined where the address is not signed at all; false where it is, and wrongly or for another time. What was begun in time may end later. */
export function signedGrant(request: Pick<FastifyRequest, 'method' | 'originalUrl' | 'query'>, key: () => Buffer): Grant | undefined | false {
	const { signature, expires } = request.query as Record<string, unknown>
	if (typeof signature !== 'string' || typeof expires !== 'string') return undefined
	const { method, originalUrl } = request
	const signed = { method, target: withoutSignature(originalUrl), expires: Number(expires) }
	const holds = /^\d{1,12}$/.test(expires) && signed.expires * 1000 > Date.now() && isSignedBy(key(), signed, signature)
	return holds && { name: 'signed address', role: READING.has(method) ? 'read' : 'write', scope: undefined, anonymous: false, isSigned: true }
}
