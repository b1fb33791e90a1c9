/** What may be asked for: in the query or in a form, as their clients like it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { COUNT_MAX } from '../../core/catalogue/object-reservations.ts'
import { HttpError } from '../errors.ts'
import { parseReplication } from './replication.ts'
import { parseTtl, type Ttl } from './ttl.ts'

const TEXT = { type: 'string', maxLength: 1_024 } as const
const names = (list: readonly string[]) => Object.fromEntries(list.map((name) => [name, TEXT]))

/** Others are let pass: their clients send what they like. */
export const PLACEMENT = names(['count', 'collection', 'replication', 'ttl', 'dataCenter', 'pretty'])
export const query = (...more: string[]) => ({ type: 'object', properties: { ...names(more), pretty: TEXT } }) as const

export type Parameters = Record<string, string | undefined>

/** The form wins, as it does with them. */
export function parametersOf(request: FastifyRequest): Parameters {
	const body = request.body instanceof URLSearchParams ? Object.fromEntries(request.body) : {}
	return { ...(request.query as Parameters), ...body }
}

export function acceptForms(app: FastifyInstance): void {
	app.removeAllContentTypeParsers()
	app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, new URLSearchParams(body as string)))
	// Whatever else is sent along says nothing.
	app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined))
}

export interface Placement {
	collection: string
	ttl: Ttl
	zone: string
	replication: string
	count: number
}

/** One name of a path: no other letters, so that it is the same for every database and every disk. */
const COLLECTION = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
const ZONE_CHARACTERS_MAX = 255

export function placementOf({ collection = '', ttl = '', dataCenter = '', replication = '', count = '' }: Parameters): Placement {
	const lives = parseTtl(ttl) ?? refuse(`ttl '${ttl}' is not like 3m, 4h, 5d, 6w, 7M, 8y`)
	if (collection !== '') checkCollection(collection)
	if (replication !== '' && !parseReplication(replication)) refuse(`replication '${replication}' is not like 000, 001, 010, 100`)
	if (dataCenter.length > ZONE_CHARACTERS_MAX) refuse('dataCenter is too long')
	return { collection, ttl: lives, zone: dataCenter, replication: replication === '' ? '' : replication.padStart(3, '0'), count: countOf(count) }
}

/** What is no number counts as one, as it does with them. */
function countOf(text: string): number {
	const count = /^\d+$/.test(text) ? Math.max(1, Number(text)) : 1
	return count <= COUNT_MAX ? count : refuse(`count is ${text}: at most ${COUNT_MAX} at a time`)
}

export function checkCollection(collection: string): void {
	if (!COLLECTION.test(collection)) refuse('a collection has up to 64 letters, digits, dots, dashes and underscores, and no dot or dash first')
}

function refuse(message: string): never {
	throw new HttpError(406, message)
}
