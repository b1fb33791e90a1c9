/** The bytes of a file that a site has leased, as fast as it may have them. */
import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as leases from '../../core/catalogue/backup-leases.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import { codeOf } from '../../core/errors.ts'
import { openVersion, type VersionContent } from '../../core/off-site/content.ts'
import { rateNow } from '../../core/off-site/rates.ts'
import { pass } from '../../core/off-site/throttle.ts'
import type { Api } from '../api.ts'
import { admit, bytesLeft, takeStream } from './admit.ts'
import { siteOf } from './credentials.ts'
import { noCopy, notFound, Refusal } from './failure.ts'
import type { Site } from './known-sites.ts'
import { fileParams, schemaOf } from './schemas.ts'
import { stateOf } from './state.ts'

/** Of what passes a throttle at once: a part of a second's worth. */
const SLICES_PER_SECOND = 20
const SLICE_BYTES_MIN = 1_024
const SLICE_BYTES_MAX = 1_048_576

type Request = FastifyRequest<{ Params: { id: number; version: number } }>

export function file(app: FastifyInstance, api: Api): void {
	const schema = schemaOf({ summary: 'the bytes of a leased file; Range', params: fileParams }, { type: 'string', format: 'binary' })
	app.get<{ Params: { id: number; version: number } }>('/file/:id/:version', { config: { access: 'site' }, schema }, async (request, reply) => {
		const site = siteOf(request)
		await admit(api, site)
		await checkLeased(api, site, request.params)
		const end = takeStream(api, site)
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
	const content = await open(api, id, version)
	try {
		const etag = hashes.hashOf(known)?.toString('hex')
		const range = rangeOf(request, known.size, etag)
		if (range === 'none') {
			await content.close()
			return void reply.code(416).header('content-range', `bytes */${known.size}`).send({ error: 'range', message: 'the range is not within the file' })
		}
		reply.hijack()
		const { raw } = reply
		writeHead(raw, content, { range, size: known.size, etag })
		if (request.method === 'HEAD') raw.end()
		else await pour(api, site, content, { raw, range, size: known.size })
	} finally {
		await content.close()
	}
}

async function open({ fs }: Api, id: number, version: number): Promise<VersionContent> {
	try {
		return await openVersion(fs, id, version)
	} catch (error) {
		if (codeOf(error) === 'ESTALE') throw changed()
		throw noCopy()
	}
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

/** What cannot go on is cut: the agent has fewer bytes than it was told, and asks for the rest. */
async function pour(api: Api, site: Site, content: VersionContent, { raw, range, size }: { raw: ServerResponse; range: Range | undefined; size: number }): Promise<void> {
	const gone = new AbortController()
	const signal = AbortSignal.any([gone.signal, api.stopping])
	raw.once('close', () => gone.abort())
	try {
		for await (const chunk of content.bytes(range?.from ?? 0, range?.to ?? size)) {
			for (let at = 0; at < chunk.length; ) {
				const slice = chunk.subarray(at, at + (await nextSlice(api, site, chunk.length - at, signal)))
				at += slice.length
				stateOf(api).spending.add(site.row.id, slice.length)
				if (!raw.write(slice)) await once(raw, 'drain', { signal })
			}
		}
		raw.end()
	} catch (error) {
		if (!gone.signal.aborted) api.report(`site ${site.row.name}: a download of file ${content.row.id} was cut: ${(error as Error).message}`)
		raw.destroy()
	}
}

/** Waits until so many bytes may go; how many that are. */
async function nextSlice(api: Api, site: Site, most: number, signal: AbortSignal): Promise<number> {
	signal.throwIfAborted()
	const [own, all] = [rateNow(site.limits.rates), rateNow(api.config.backup.rates)]
	if (own === 0 || all === 0) throw new Error('the hour is closed')
	const left = bytesLeft(api, site) ?? Number.POSITIVE_INFINITY
	if (left === 0) throw new Error("the day's bytes are used up")
	const rate = Math.min(own ?? Number.POSITIVE_INFINITY, all ?? Number.POSITIVE_INFINITY)
	if (rate === Number.POSITIVE_INFINITY) return Math.min(most, left, SLICE_BYTES_MAX)
	const slice = Math.min(most, left, SLICE_BYTES_MAX, Math.max(SLICE_BYTES_MIN, Math.ceil(rate / SLICES_PER_SECOND)))
	await pass(slice, [{ throttle: site.throttle, rate: own }, { throttle: stateOf(api).throttle, rate: all }], signal)
	return slice
}
