/** `/<fid>` in its five forms: upload, read, delete. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Check } from '../../core/filesystem/expected.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { run } from '../../core/op.ts'
import { type Asking, mayReach } from '../access/access.ts'
import { stillHolds } from '../access/still.ts'
import type { PlainRoute } from '../api.ts'
import { lengthOf } from '../content/body.ts'
import { refuseParts } from '../content/receive.ts'
import { READ_ANSWERS } from '../content/send.ts'
import { conditionOf } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { type Address, parseAddress } from './address.ts'
import { answer, plainAnswer, plainRefusal } from './answer.ts'
import { formatCrc } from './crc32c.ts'
import { findObject, type FoundFile, findToWrite, isMeant } from './find.ts'
import type { Gateway } from './gateway.ts'
import { type Incoming, incoming, incomingWhole } from './incoming.ts'
import { query } from './parameters.ts'
import { directoryOf } from './place.ts'
import { type Put, put, type Target } from './put.ts'
import { readObject } from './read.ts'
import { syncFile } from './sync.ts'
import { withTag } from './tag.ts'
import { parseTtl } from './ttl.ts'

const FORMS = ['/:fid(^[0-9]+,[^/]*$)', '/:volume(^[0-9]+$)/:id', '/:volume(^[0-9]+$)/:id/:name']
/** With nothing in it that is written %xx. */
const PLAIN_FID = /^\/\d+,[\w.]+$/
const PARAMS = { type: 'object', properties: { fid: { type: 'string' }, volume: { type: 'string' }, id: { type: 'string' }, name: { type: 'string' } } }
const ATTEMPTS_MAX = 10
const WRONG_COOKIE = 'File Random Cookie does not match.'

export function content(app: FastifyInstance, gateway: Gateway): void {
	for (const url of FORMS) {
		app.route({
			method: ['PUT', 'POST'],
			url,
			config: { access: 'write', byPath: true, answers: [201] },
			schema: { summary: 'Uploads an object', params: PARAMS, querystring: query('ts', 'ttl', 'fsync', 'cm', 'type', 'jwt') },
			handler: (request, reply) => upload(gateway, request, reply),
		})
		app.route({
			method: ['GET', 'HEAD'],
			url,
			config: { access: 'read', byPath: true, answers: READ_ANSWERS },
			schema: { summary: 'Reads an object', params: PARAMS, querystring: query('dl', 'jwt') },
			handler: (request, reply) => readObject(gateway, addressOf(request), request, reply),
		})
		app.route({
			method: 'DELETE',
			url,
			config: { access: 'write', byPath: true, answers: [202] },
			schema: { summary: 'Deletes an object', params: PARAMS, querystring: query('ts', 'jwt') },
			handler: (request, reply) => remove(gateway, request, reply),
		})
	}
}

function addressOf({ params }: FastifyRequest): Address {
	const { fid, volume = '', id = '', name } = params as Record<string, string | undefined>
	return parsed(fid === undefined ? [volume, id, ...(name ? [name] : [])] : [fid])
}

function parsed(parts: readonly string[]): Address {
	const address = parseAddress(parts)
	if (typeof address === 'string') throw new HttpError(400, address)
	return address
}

async function upload(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
	const { name, extension, fid } = addressOf(request)
	const { ts, ttl = '', cm, fsync } = request.query as Record<string, string | undefined>
	refuseParts(request)
	refuseManifest(cm)
	const lives = parseTtl(ttl)
	if (!lives) throw new HttpError(400, `ttl '${ttl}' is not like 3m, 4h, 5d, 6w, 7M, 8y`)
	const target = await targetOf(gateway, fid, lives.seconds, request)
	const arriving = await incoming(request, { name, extension }, gateway.config.api.objectBytesMax)
	const made = await put(gateway, target, arriving, { announced: lengthOf(request), modifiedSeconds: secondsOf(ts), extension, holds: stillHolds(request, gateway), condition: conditionFor(request.headers, target.file) })
	if (fsync === 'true') await run(syncFile(gateway.fs, made.row.id))
	const { headers, said } = toAnswer(arriving, made)
	return answer(request, reply.headers(headers), 201, said)
}

/** The same without the router. */
export const plainUpload = (gateway: Gateway): PlainRoute => ({
	access: 'write',
	takes: ({ method, url }) => (method === 'PUT' || method === 'POST') && PLAIN_FID.test(url),
	async handle({ url, headers, body, grant }) {
		const { name, extension, fid } = parsed([url.slice(1)])
		const target = await targetOf(gateway, fid, 0, { grant })
		const arriving = await incomingWhole(headers, { name, extension }, body)
		const made = toAnswer(arriving, await put(gateway, target, arriving, { announced: body.length, modifiedSeconds: undefined, extension, condition: conditionFor(headers, target.file) }))
		return plainAnswer(201, made.headers, made.said)
	},
	refuse: plainRefusal,
})

function toAnswer({ name, mime }: Incoming, { row, crc, md5 }: Put) {
	const eTag = formatCrc(crc)
	const headers: Record<string, string> = { etag: `"${eTag}"`, ...(md5 && { 'content-md5': md5 }) }
	return { headers, said: { ...(name && { name }), size: row.size, eTag, ...(mime && { mime }), ...(md5 && { contentMd5: md5 }) } }
}

function conditionFor(headers: IncomingHttpHeaders, file: FoundFile | undefined): Check | undefined {
	return conditionOf(headers, (row) => (file ? withTag(row, file.row) : row))
}

/** What was asked for when the id was assigned holds for every upload to it. */
async function targetOf(gateway: Gateway, fid: Address['fid'], seconds: number, asking: Asking): Promise<Target> {
	const { file, reservation } = await run(findToWrite(gateway.fs, fid))
	const known = file?.row ?? reservation
	if (!known) throw new HttpError(404, 'this id was not assigned, or nothing was uploaded to it in time')
	if (!isMeant(fid, known)) throw new HttpError(400, WRONG_COOKIE)
	const volume = await run(gateway.volumes.find(fid.volume))
	const { collection = '', zone = '', ttl = '' } = volume ?? {}
	mayReach(asking, file?.path ?? directoryOf(collection), 'write')
	return { fid, collection, zone, lastsSeconds: seconds || (parseTtl(ttl)?.seconds ?? 0), file, reservation }
}

async function remove({ fs }: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
	const { fid } = addressOf(request)
	for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		const found = await run(findObject(fs, fid))
		if (!found) return answer(request, reply, 404, { size: 0 })
		if (!isMeant(fid, found.row)) throw new HttpError(400, WRONG_COOKIE)
		mayReach(request, found.path, 'write')
		try {
			await run(unlink(fs, found.place, { only: found.row.id, check: conditionFor(request.headers, found) }))
			return answer(request, reply, 202, { size: found.row.size })
		} catch (error) {
			// Somebody removed it, moved it or put new content there: what the id means now is looked up again.
			if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESTALE') throw error
		}
	}
	return fail('EAGAIN', 'the object is replaced all the time')
}

/** A list of objects that are parts of one: stored as it is, nobody would find the file in it. */
export function refuseManifest(cm: string | undefined): void {
	if (cm === 'true' || cm === '1') throw new HttpError(501, 'chunk manifests are not understood: upload the file as a whole')
}

const SECONDS_MAX = 2 ** 40

export function secondsOf(text: string | undefined): number | undefined {
	return text !== undefined && /^\d{1,13}$/.test(text) && Number(text) <= SECONDS_MAX && Number(text) > 0 ? Number(text) : undefined
}
