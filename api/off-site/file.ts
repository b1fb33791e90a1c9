/** The bytes of a file that a site has leased, as fast as it may have them. */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as leases from '../../core/catalogue/backup-leases.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import { CatalogueError, codeOf } from '../../core/errors.ts'
import { eachPiece, openSettled, type VersionContent } from '../../core/off-site/content.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { admit, takeStream } from './admit.ts'
import { withPair } from './buffers.ts'
import { siteOf } from './credentials.ts'
import { noCopy, notFound, Refusal, unavailable } from './failure.ts'
import type { Site } from './known-sites.ts'
import { pour } from './pour.ts'
import { fileParams, schemaOf } from './schemas.ts'

type Request = FastifyRequest<{ Params: { id: number; version: number } }>

export function file(app: FastifyInstance, api: Api): void {
	const schema = schemaOf({ summary: 'the bytes of a leased file; Range', params: fileParams }, { type: 'string', format: 'binary' })
	app.get<{ Params: { id: number; version: number } }>('/file/:id/:version', { config: { access: 'site' }, schema }, async (request, reply) => {
		const site = siteOf(request)
		await admit(api, site)
		await checkLeased(api, site, request.params)
		const end = await takeStream(api, site)
		try {
			await send(api, site, request, reply)
		} finally {
			end()
		}
		return reply
	})
}

async function checkLeased({ fs }: Api, { row }: Site, { id, version }: Request['params']): Promise<void> {
	const leased = await leases.find(fs.catalogue, row.id, id, fs.capabilities)
	if (!leased) throw new Refusal(403, 'not-leased', 'this file is not in a batch of this site')
	if (leased.version !== version) throw changed()
}

function changed(): Refusal {
	return new Refusal(410, 'changed', 'the file has another version now')
}

async function send(api: Api, site: Site, request: Request, reply: FastifyReply): Promise<void> {
	const { id, version } = request.params
	const known = await hashes.find(api.fs.catalogue, id)
	if (!known) throw notFound('the file is gone')
	if (known.version !== version) throw changed()
	const content = await openLeased(api, id, version)
	try {
		const etag = hashes.hashOf(known)?.toString('hex')
		const range = rangeOf(request, known.size, etag)
		if (range === 'none') {
			return void reply.code(416).header('content-range', `bytes */${known.size}`).send({ error: 'range', message: 'the range is not within the file' })
		}
		reply.hijack()
		const { raw } = reply
		writeHead(raw, content, { range, size: known.size, etag })
		if (request.method === 'HEAD') raw.end()
		else {
			const wanted = range ?? { from: 0, to: known.size }
			await pour(api, site, { raw, what: `a download of file ${id}` }, (send) => withPair((pair) => eachPiece(content, wanted, pair, send)))
		}
	} finally {
		await run(content.close())
	}
}

async function openLeased({ fs }: Api, id: number, version: number): Promise<VersionContent> {
	try {
		return await run(openSettled(fs, id, version))
	} catch (error) {
		throw refusalOf(error)
	}
}

/** Of a file that cannot be opened. */
export function refusalOf(error: unknown): Refusal {
	if (error instanceof CatalogueError) return unavailable()
	return codeOf(error) === 'ESTALE' ? changed() : noCopy()
}

interface Range {
	from: number
	/** Excluded. */
	to: number
}

const RANGE = /^bytes=(\d{1,16})-(\d{0,16})$/

/** Undefined: all of it. One that cannot be understood counts for none, as HTTP has it. */
function rangeOf({ headers }: FastifyRequest, size: number, etag: string | undefined): Range | undefined | 'none' {
	const [, first, last] = RANGE.exec(headers.range ?? '') ?? []
	const condition = headers['if-range']
	if (first === undefined || (condition !== undefined && condition !== `"${etag}"`)) return undefined
	const [from, to] = [Number(first), last === '' ? size : Math.min(size, Number(last) + 1)]
	return from < size && from < to ? { from, to } : 'none'
}

function writeHead(raw: ServerResponse, { row }: VersionContent, { range, size, etag }: { range: Range | undefined; size: number; etag: string | undefined }): void {
	raw.writeHead(range ? 206 : 200, {
		'content-type': 'application/octet-stream',
		'content-length': range ? range.to - range.from : size,
		'accept-ranges': 'bytes',
		'cache-control': 'private, no-transform',
		'last-modified': new Date(row.mtime * 1000).toUTCString(),
		...(etag === undefined ? {} : { etag: `"${etag}"` }),
		...(range ? { 'content-range': `bytes ${range.from}-${range.to - 1}/${size}` } : {}),
	})
}
