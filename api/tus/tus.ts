/**
 * Uploads that go on where they were broken off: the tus protocol, 1.0.0, with creation, checksum, concatenation, expiration and
 * termination. One that is over can be asked for until its time is: a client may not have heard that it is.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UploadRow } from '../../core/catalogue/uploads.ts'
import * as uploads from '../../core/catalogue/uploads.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { runAside, transact } from '../../core/filesystem/filesystem.ts'
import {
	addToUpload,
	giveUpExpired,
	giveUpUpload,
	isOver,
	joinUploads,
	keepUpload,
	keptBytes,
	nameUpload,
	withUpload,
} from '../../core/filesystem/kept-upload.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { mayReach } from '../access/access.ts'
import { stillHolds } from '../access/still.ts'
import type { Api } from '../api.ts'
import { conditionOf, require } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { endsInSlash } from '../tree/below.ts'
import { reachWithParents, withDirectory } from '../tree/reach.ts'
import { ALGORITHMS, checked } from './checksum.ts'
import { isPartial, numberOf, partsOf, pathIn, type Said, saidIn, saidOf, toKeep } from './said.ts'

const PREFIX = '/uploads'
/** Clients are given the address of their server with a slash at its end as often as without. */
const ADDRESSES = [PREFIX, `${PREFIX}/`]
const VERSION = '1.0.0'
const EXTENSIONS = 'creation,creation-with-upload,creation-defer-length,checksum,concatenation,expiration,termination'
const SECONDS = 86_400
const EXPIRE_MS = 600_000
const PARTS_MAX = 1_000
const TYPE = 'application/offset+octet-stream'
const WRITE = { access: 'write', byPath: true } as const
const NOWHERE = Buffer.alloc(0)

type Handler = (request: FastifyRequest, reply: FastifyReply, api: Api) => Promise<FastifyReply>

export function tus(app: FastifyInstance, api: Api): void {
	const params = { type: 'object', properties: { id: { type: 'string' } } } as const
	const route = (method: string, url: string, { handler, answers }: { handler: Handler; answers: readonly number[] }) =>
		app.route({
			method,
			url,
			config: { ...WRITE, answers, swagger: { exposeHeadRoute: true } },
			schema: { summary: 'Uploads that go on (tus)', ...(ADDRESSES.includes(url) ? {} : { params }) },
			exposeHeadRoute: false,
			handler: async (request, reply) => {
				reply.header('tus-resumable', VERSION).header('cache-control', 'no-store')
				if (method !== 'OPTIONS' && request.headers['tus-resumable'] !== VERSION) throw new HttpError(412, `this door speaks tus ${VERSION}`, { 'tus-version': VERSION })
				return await handler(request, reply, api)
			},
		})
	for (const url of [...ADDRESSES, `${PREFIX}/:id`]) route('OPTIONS', url, { handler: tellAll, answers: [204] })
	for (const url of ADDRESSES) route('POST', url, { handler: create, answers: [201] })
	const ofOne: Record<string, { handler: Handler; answers: readonly number[] }> = {
		HEAD: { handler: tell, answers: [200] },
		PATCH: { handler: goOn, answers: [204] },
		DELETE: { handler: remove, answers: [204] },
	}
	for (const [method, how] of Object.entries(ofOne)) route(method, `${PREFIX}/:id`, how)
	// For clients that can only send what browsers of old could.
	route('POST', `${PREFIX}/:id`, {
		answers: [200, 204],
		async handler(request, reply) {
			const how = ofOne[String(request.headers['x-http-method-override'] ?? '').toUpperCase()]
			if (!how) throw new HttpError(405, 'an upload goes on with PATCH', { allow: 'OPTIONS, HEAD, PATCH, DELETE' })
			return await how.handler(request, reply, api)
		},
	})
	const expiring = setInterval(() => void giveUpExpired(api.fs).catch((error: Error) => api.report(`uploads: ${error.message}`)), EXPIRE_MS)
	expiring.unref()
	app.addHook('onClose', async () => clearInterval(expiring))
}

async function tellAll(_: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
	return reply.code(204).headers({ 'tus-version': VERSION, 'tus-extension': EXTENSIONS, 'tus-checksum-algorithm': ALGORITHMS.join(',') }).send()
}

const attributesOf = ({ config: { api } }: Api) => ({ mode: api.fileMode, uid: api.uid, gid: api.gid })

async function create(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const said = saidIn(request)
	const parts = partsOf(said)
	if (parts) return await createOf(request, reply, api, said, parts)
	const length = request.headers['upload-defer-length'] === '1' ? -1 : numberOf(request, 'upload-length')
	const row = await keep(request, api, said, length)
	reply.code(201).header('location', `${PREFIX}/${row.id}`)
	if (request.headers['content-type'] !== TYPE && length !== 0) return reply.header('upload-expires', expiresOf(row)).send()
	await withUpload(api.fs, row, () => add(request, reply, api, row, 0))
	return reply.send()
}

/** A part of another has no path of its own. */
async function keep(request: FastifyRequest, api: Api, said: Said, length: number): Promise<UploadRow> {
	const common = { length, metadata: toKeep(said), holder: request.grant.name, seconds: SECONDS, attributes: attributesOf(api) }
	if (isPartial(said)) return await run(keepUpload(api.fs, { ...common, place: { parent: ROOT_ID, name: NOWHERE }, path: NOWHERE }))
	const asked = pathIn(said)
	if (endsInSlash(asked)) return fail('EISDIR', 'a file has no slash at its end')
	const { place, path, row } = await withDirectory(() => reachWithParents(request, api, asked, () => require(said.conditions, undefined)))
	if (!place || row?.kind === KIND.directory) return fail('EISDIR', 'a directory is there')
	require(said.conditions, row)
	return await run(keepUpload(api.fs, { ...common, place, path }))
}

/** The parts, one after the other, become a file; then they are gone. */
async function createOf(request: FastifyRequest, reply: FastifyReply, api: Api, said: Said, addresses: string[]): Promise<FastifyReply> {
	const { fs } = api
	if (request.headers['upload-length'] !== undefined) throw new HttpError(400, 'how long it is its parts say')
	if (addresses.length === 0 || addresses.length > PARTS_MAX) throw new HttpError(400, `a final upload has 1 to ${PARTS_MAX} parts`)
	const parts: UploadRow[] = []
	for (const address of addresses) parts.push(await findPart(request, api, address))
	const row = await keep(request, api, said, parts.reduce((sum, { length }) => sum + length, 0))
	try {
		await name(request, api, row, await joinUploads(fs, row, parts))
	} catch (error) {
		await run(giveUpUpload(fs, row))
		throw error
	}
	for (const part of parts) runAside(fs, 'uploads: removing a part', giveUpUpload(fs, part))
	return reply.code(201).headers({ location: `${PREFIX}/${row.id}`, 'upload-expires': expiresOf(row) }).send()
}

async function findPart(request: FastifyRequest, api: Api, address: string): Promise<UploadRow> {
	const [, id] = /^(?:https?:\/\/[^/]+)?\/uploads\/([^/?#]+)$/.exec(address) ?? []
	if (id === undefined) throw new HttpError(400, `${address} is not an upload of this door`)
	const row = await find(request, api, id)
	if (!isPartial(saidOf(row))) throw new HttpError(400, `${address} is not a partial upload`)
	if ((await bytesOf(api, row)) !== row.length) throw new HttpError(400, `${address} is not complete`)
	return row
}

async function tell(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const row = await find(request, api)
	const { length } = row
	const { metadata, concat } = saidOf(row)
	reply.headers({ 'upload-offset': String(await bytesTold(request, api, row)), 'upload-expires': expiresOf(row) })
	reply.headers(length < 0 ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) })
	if (metadata !== '') reply.header('upload-metadata', metadata)
	if (concat !== undefined) reply.header('upload-concat', concat)
	return reply.code(200).send()
}

/** Whoever hears that all has come takes it for stored: then it is the file first. */
async function bytesTold(request: FastifyRequest, api: Api, row: UploadRow): Promise<number> {
	const bytes = await bytesOf(api, row)
	if (bytes !== row.length || isOver(row) || isPartial(saidOf(row))) return bytes
	try {
		return await withUpload(api.fs, row, async () => {
			const current = await find(request, api, row.id)
			const end = await bytesOf(api, current)
			if (end === current.length && !isOver(current)) await name(request, api, current, undefined)
			return end
		})
	} catch (error) {
		if (codeOf(error) === 'EBUSY') throw new HttpError(423, 'it is becoming the file at this moment')
		throw error
	}
}

async function goOn(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	if (request.headers['content-type'] !== TYPE) throw new HttpError(415, `a part of an upload is ${TYPE}`)
	const offset = numberOf(request, 'upload-offset')
	const known = await find(request, api)
	if (partsOf(saidOf(known))) throw new HttpError(403, 'what is made of parts does not go on')
	await withUpload(api.fs, known, async () => {
		// Whoever had it until now may have said how long it is, or have made it the file.
		const row = await find(request, api)
		if (row.length < 0 && request.headers['upload-length'] !== undefined) row.length = numberOf(request, 'upload-length')
		await add(request, reply, api, row, offset)
	})
	// Not before somebody else can have it.
	return reply.code(204).send()
}

/** When all has come it is the file; a part waits for the others. Within `withUpload`. */
async function add(request: FastifyRequest, reply: FastifyReply, api: Api, row: UploadRow, offset: number): Promise<void> {
	const { source, verify, sha256 } = checked(request, { sha256: offset === 0, bytesMax: row.length < 0 ? Number.POSITIVE_INFINITY : row.length - offset })
	const { fs } = api
	const end = await addToUpload(fs, row, offset, source, verify)
	reply.headers({ 'upload-offset': String(end), 'upload-expires': expiresOf({ ...row, seconds: SECONDS }) })
	if (end === row.length && !isPartial(saidOf(row)) && !isOver(row)) await name(request, api, row, sha256())
	else {
		await transact(fs, function* (tx) {
			uploads.goOn(tx, row.id, { length: row.length, seconds: SECONDS }, fs.capabilities)
		})
	}
}

async function name(request: FastifyRequest, api: Api, row: UploadRow, hash: Buffer | undefined): Promise<void> {
	// It was there when the upload was begun, which may be long ago.
	const { place } = await reachWithParents(request, api, Buffer.from(row.path))
	if (!place) return fail('EISDIR', 'a directory is there')
	const holds = stillHolds(request, api)
	const condition = conditionOf(saidOf(row).conditions)
	await run(
		nameUpload(api.fs, row, place, attributesOf(api), {
			hash,
			*check(tx, current) {
				yield* holds(tx)
				if (condition) yield* condition(tx, current)
			},
		}),
	)
}

async function remove(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const row = await find(request, api)
	await withUpload(api.fs, row, async () => run(giveUpUpload(api.fs, row)))
	return reply.code(204).send()
}

/** Only for who began it, and only where he may write. */
async function find(request: FastifyRequest, { fs }: Api, id = (request.params as { id: string }).id): Promise<UploadRow> {
	const row = await uploads.find(fs.catalogue, id, fs.capabilities)
	if (!row || row.seconds <= 0) throw new HttpError(row ? 410 : 404, 'there is no such upload')
	if (!isPartial(saidOf(row))) mayReach(request, Buffer.from(row.path), 'write')
	if (row.holder !== request.grant.name) throw new HttpError(403, 'somebody else began this upload')
	return row
}

async function bytesOf({ fs }: Api, row: UploadRow): Promise<number> {
	try {
		return await run(keptBytes(fs, row))
	} catch (error) {
		if (codeOf(error) === 'ENOENT') throw new HttpError(410, 'what came of this upload is gone')
		throw error
	}
}

function expiresOf({ seconds }: UploadRow): string {
	return new Date(Date.now() + seconds * 1000).toUTCString()
}
