/** Bodies are read whole and compared with the hash that was signed before anybody looks at what they say. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { hashOf, NO_BODY } from '../../core/off-site/signature.ts'
import { bodyHashOf, wrongSignature } from './credentials.ts'
import { badRequest } from './failure.ts'
import { PART_BYTES_MAX } from './orders.ts'

const JSON_BYTES_MAX = 4 * 1_048_576

export function readBodies(app: FastifyInstance): void {
	app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: JSON_BYTES_MAX }, async (request: FastifyRequest, body: Buffer) => {
		check(request, body)
		if (body.length === 0) return undefined
		try {
			return JSON.parse(body.toString('utf8')) as unknown
		} catch {
			throw badRequest('the body is no JSON')
		}
	})
	app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer', bodyLimit: PART_BYTES_MAX }, async (request: FastifyRequest, body: Buffer) => {
		check(request, body)
		return body
	})
	app.addHook('preValidation', async (request) => {
		if (request.body === undefined && bodyHashOf(request) !== NO_BODY) throw wrongSignature()
	})
}

function check(request: FastifyRequest, body: Buffer): void {
	if (hashOf(body) !== bodyHashOf(request)) throw wrongSignature()
}
