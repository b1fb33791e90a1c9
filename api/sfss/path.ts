/** `path=` as sfss takes it: no slash at its beginning, none twice, no backslash, and as long as theirs may be. */
import type { FastifyRequest } from 'fastify'
import { textParameter } from '../content/text-parameter.ts'
import { HttpError } from '../errors.ts'
import type { Path } from '../../core/ids.ts'

export const QUERY = { type: 'object', properties: { path: { type: 'string' } } } as const

export function pathAsked(request: FastifyRequest): Path {
	const text = textParameter(request, 'path') ?? ''
	if (text === '') throw new HttpError(400, 'missing path argument')
	if (text.startsWith('/') || text.endsWith('/') || text.includes('//') || text.includes('\\')) throw new HttpError(400, 'invalid path argument')
	return Buffer.from(text)
}
