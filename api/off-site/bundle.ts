/** Several small files in one answer: a line of JSON for each, then its bytes. What a request costs is then shared by all of them. */
import type { FastifyInstance } from 'fastify'
import * as leases from '../../core/catalogue/backup-leases.ts'
import { codeOf, Errno } from '../../core/errors.ts'
import { eachPiece, openContent, type Pair, type VersionContent } from '../../core/off-site/content.ts'
import { settledAmong, type Version } from '../../core/off-site/settled.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { admit, takeStream } from './admit.ts'
import { withPair } from './buffers.ts'
import { siteOf } from './credentials.ts'
import { refusalOf } from './file.ts'
import type { Site } from './known-sites.ts'
import { pour, type Send } from './pour.ts'
import { bundleBody, schemaOf } from './schemas.ts'

/** A line and what little is beside it. */
const LINE_BYTES_MAX = 256

export function bundle(app: FastifyInstance, api: Api): void {
	const schema = schemaOf({ summary: 'several small files that are leased, in one answer', body: bundleBody }, { type: 'string', format: 'binary' })
	app.post<{ Body: { files: Version[] } }>('/bundle', { config: { access: 'site' }, schema }, async (request, reply) => {
		const site = siteOf(request)
		await admit(api, site)
		const end = await takeStream(api, site)
		try {
			reply.hijack()
			const { raw } = reply
			raw.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'private, no-transform' })
			await pour(api, site, { raw, what: 'a bundle' }, (send) => withPair((pair) => sendAll(api, site, request.body.files, { send, pair })))
		} finally {
			end()
		}
		return reply
	})
}

interface Way {
	send: Send
	pair: Pair
}

/** Files that were read into one buffer, and are sent when it is known that they were not changed meanwhile. */
interface Packed extends Version {
	from: number
	to: number
}

async function sendAll(api: Api, site: Site, files: readonly Version[], way: Way): Promise<void> {
	const leased = await leases.versionsOf(api.fs.catalogue, site.row.id, files.map(({ id }) => id), api.fs.capabilities)
	const packed: Packed[] = []
	for (const file of files) {
		const version = leased.get(file.id)
		if (version === file.version) await sendOne(api, file, packed, way)
		else await sendError(api, { ...file, error: version === undefined ? 'not-leased' : 'changed' }, packed, way)
	}
	await flush(api, packed, way)
}

async function sendOne(api: Api, file: Version, packed: Packed[], way: Way): Promise<void> {
	let content: VersionContent
	try {
		content = await run(openContent(api.fs, file.id, file.version))
	} catch (error) {
		return await sendError(api, { ...file, error: refusalOf(error).code }, packed, way)
	}
	try {
		const { length } = way.pair[0]
		const bytes = content.row.size + LINE_BYTES_MAX
		if (bytes > length - endOf(packed)) await flush(api, packed, way)
		if (bytes > length) await sendLarge(file, content, way)
		else packed.push(await pack(content, file, way.pair[0], endOf(packed)))
	} catch (error) {
		if (codeOf(error) !== 'EIO' || !(error instanceof Errno)) throw error
		await sendError(api, { ...file, error: 'no-copy' }, packed, way)
	} finally {
		await run(content.close())
	}
}

function endOf(packed: readonly Packed[]): number {
	return packed.at(-1)?.to ?? 0
}

async function pack(content: VersionContent, { id, version }: Version, buffer: Buffer, from: number): Promise<Packed> {
	const { size } = content.row
	const begin = from + buffer.write(`${JSON.stringify({ id, version, size })}\n`, from)
	await run(content.fill(buffer.subarray(begin, begin + size), 0))
	return { id, version, from, to: begin + size }
}

async function sendError(api: Api, line: Version & { error: string }, packed: Packed[], way: Way): Promise<void> {
	await flush(api, packed, way)
	await way.send(lineOf(line))
}

async function flush({ fs }: Api, packed: Packed[], { send, pair: [buffer] }: Way): Promise<void> {
	const all = packed.splice(0)
	if (all.length === 0) return
	const settled = await run(settledAmong(fs, all))
	if (all.every(({ id }) => settled.has(id))) return await send(buffer.subarray(0, all[all.length - 1].to))
	for (const { id, version, from, to } of all) await send(settled.has(id) ? buffer.subarray(from, to) : lineOf({ id, version, error: 'changed' }))
}

async function sendLarge({ id, version }: Version, content: VersionContent, { send, pair }: Way): Promise<void> {
	const { size } = content.row
	await send(lineOf({ id, version, size }))
	await eachPiece(content, { from: 0, to: size }, pair, send)
}

function lineOf(value: object): Buffer {
	return Buffer.from(`${JSON.stringify(value)}\n`)
}
