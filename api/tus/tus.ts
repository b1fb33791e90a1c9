/** Uploads that go on where they were broken off: the tus protocol, 1.0.0, with creation, checksum, expiration and termination. */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as uploads from '../../core/catalogue/uploads.ts'
import type { UploadRow } from '../../core/catalogue/uploads.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { addToUpload, giveUpExpired, giveUpUpload, keepUpload, keptBytes, nameUpload, withUpload } from '../../core/filesystem/kept-upload.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { mayReach } from '../access/access.ts'
import type { Api } from '../api.ts'
import { bodyOf } from '../content/body.ts'
import { giveUp } from '../content/receive.ts'
import { HttpError } from '../errors.ts'
import { reach, reachWithParents } from '../tree/reach.ts'

const PREFIX = '/uploads'
const VERSION = '1.0.0'
const SECONDS = 86_400
const METADATA_CHARACTERS_MAX = 8_192
const EXPIRE_MS = 600_000
const TYPE = 'application/offset+octet-stream'
const WRITE = { access: 'write', byPath: true } as const
const ALGORITHMS = new Set(['sha1', 'sha256', 'md5'])
const CHECKSUM_MISMATCH = 460

type Handler = (request: FastifyRequest, reply: FastifyReply, api: Api) => Promise<FastifyReply>

export function tus(app: FastifyInstance, api: Api): void {
	const params = { type: 'object', properties: { id: { type: 'string' } } } as const
	const route = (method: string, url: string, handler: Handler) =>
		app.route({
			method,
			url,
			config: WRITE,
			schema: { hide: true, ...(url === PREFIX ? {} : { params }) },
			exposeHeadRoute: false,
			handler: async (request, reply) => {
				reply.header('tus-resumable', VERSION).header('cache-control', 'no-store')
				try {
					if (method !== 'OPTIONS' && request.headers['tus-resumable'] !== VERSION) throw new HttpError(412, `this door speaks tus ${VERSION}`, { 'tus-version': VERSION })
					return await handler(request, reply, api)
				} catch (error) {
					giveUp(request, reply)
					throw error
				}
			},
		})
	route('OPTIONS', PREFIX, async (_, reply) =>
		reply.code(204).headers({ 'tus-version': VERSION, 'tus-extension': 'creation,creation-with-upload,creation-defer-length,checksum,expiration,termination', 'tus-checksum-algorithm': [...ALGORITHMS].join(',') }).send(),
	)
	route('POST', PREFIX, create)
	route('HEAD', `${PREFIX}/:id`, tell)
	route('PATCH', `${PREFIX}/:id`, goOn)
	route('DELETE', `${PREFIX}/:id`, remove)
	const expiring = setInterval(() => void Promise.resolve(run(giveUpExpired(api.fs))).catch((error: Error) => api.report(`uploads: ${error.message}`)), EXPIRE_MS)
	expiring.unref()
	app.addHook('onClose', async () => clearInterval(expiring))
}

const attributesOf = ({ config: { api } }: Api) => ({ mode: api.fileMode, uid: api.uid, gid: api.gid })

async function create(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const length = request.headers['upload-defer-length'] === '1' ? -1 : numberOf(request, 'upload-length')
	const metadata = String(request.headers['upload-metadata'] ?? '')
	if (metadata.length > METADATA_CHARACTERS_MAX) throw new HttpError(413, `Upload-Metadata has more than ${METADATA_CHARACTERS_MAX} characters`)
	const { place, path, row: existing } = await reachWithParents(request, api, pathOf(metadata))
	if (!place || existing?.kind === KIND.directory) return fail('EISDIR', 'a directory is there')
	const row = await run(keepUpload(api.fs, { place, path, length, metadata, holder: request.grant.name, seconds: SECONDS, attributes: attributesOf(api) }))
	reply.code(201).header('location', `${PREFIX}/${row.id}`)
	if (request.headers['content-type'] !== TYPE && length !== 0) return reply.header('upload-expires', expiresOf(row)).send()
	return await add(request, reply, api, row, 0)
}

async function tell(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const row = await find(request, api)
	const { length, metadata } = row
	reply.headers({ 'upload-offset': String(await bytesOf(api, row)), 'upload-expires': expiresOf(row) })
	reply.headers(length < 0 ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) })
	if (metadata !== '') reply.header('upload-metadata', metadata)
	return reply.code(200).send()
}

async function goOn(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	if (request.headers['content-type'] !== TYPE) throw new HttpError(415, `a part of an upload is ${TYPE}`)
	const row = await find(request, api)
	if (row.length < 0 && request.headers['upload-length'] !== undefined) row.length = numberOf(request, 'upload-length')
	reply.code(204)
	return await add(request, reply, api, row, numberOf(request, 'upload-offset'))
}

/** When all has come it is the file. */
async function add(request: FastifyRequest, reply: FastifyReply, api: Api, row: UploadRow, offset: number): Promise<FastifyReply> {
	const { source, verify } = checked(request)
	const { fs } = api
	return await withUpload(fs, row, async () => {
		const end = await addToUpload(fs, row, offset, source, verify)
		reply.headers({ 'upload-offset': String(end), 'upload-expires': expiresOf({ ...row, seconds: SECONDS }) })
		if (end !== row.length) {
			await transact(fs, function* (tx) {
				uploads.goOn(tx, row.id, { length: row.length, seconds: SECONDS }, fs.capabilities)
			})
			return reply.send()
		}
		const { place } = await run(reach(request, fs, Buffer.from(row.path), { role: 'write' }))
		if (!place) return fail('EISDIR', 'a directory is there')
		await run(nameUpload(fs, row, place, attributesOf(api)))
		return reply.send()
	})
}

async function remove(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const row = await find(request, api)
	await withUpload(api.fs, row, async () => run(giveUpUpload(api.fs, row)))
	return reply.code(204).send()
}

/** Only for who began it, and only where he may write. */
async function find(request: FastifyRequest, { fs }: Api): Promise<UploadRow> {
	const { id } = request.params as { id: string }
	const row = await uploads.find(fs.catalogue, id, fs.capabilities)
	if (!row || row.seconds <= 0) throw new HttpError(row ? 410 : 404, 'there is no such upload')
	mayReach(request, Buffer.from(row.path), 'write')
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

function numberOf({ headers }: FastifyRequest, name: string): number {
	const value = String(headers[name] ?? '')
	if (!/^\d{1,15}$/.test(value)) throw new HttpError(400, `${name} is a number`)
	return Number(value)
}

/** `path`, else `filename`: each in Base64. */
function pathOf(metadata: string): Path {
	const values = new Map(metadata.split(',').map((pair) => pair.trim().split(' ') as [string, string | undefined]))
	const value = values.get('path') ?? values.get('filename')
	if (!value) throw new HttpError(400, 'Upload-Metadata has no path')
	return Buffer.from(value, 'base64')
}

function checked(request: FastifyRequest): { source: AsyncIterable<Buffer>; verify?: () => void } {
	const source = bodyOf(request)
	const header = request.headers['upload-checksum']
	if (header === undefined) return { source }
	const [algorithm, value = ''] = String(header).split(' ')
	if (!ALGORITHMS.has(algorithm)) throw new HttpError(400, `checksums are ${[...ALGORITHMS].join(', ')}`)
	const hash = createHash(algorithm)
	async function* hashed(): AsyncGenerator<Buffer> {
		for await (const chunk of source) {
			hash.update(chunk)
			yield chunk
		}
	}
	const verify = () => {
		if (!hash.digest().equals(Buffer.from(value, 'base64'))) throw new HttpError(CHECKSUM_MISMATCH, 'the checksum does not hold')
	}
	return { source: hashed(), verify }
}
