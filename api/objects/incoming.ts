/** The content of a request and what it says of itself, whether it comes as a form or as it is. */
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { contentOf, lengthOf, wholeOrStream } from '../content/body.ts'
import { baseName, filenameOf, parametersOf, toText } from '../content/disposition.ts'
import { BESIDE_BYTES, boundaryOf, fileOfForm } from '../content/form.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { HttpError } from '../errors.ts'

export interface Incoming {
	/** '' where none is said. */
	name: string
	/** '' where the name says it. */
	mime: string
	/** Base64, as it was promised. */
	md5: string | undefined
	/** Sent along with it on every answer. */
	headers: Record<string, string>
	content: AsyncIterable<Uint8Array> | Buffer
	/** It was packed for the way: how large it is shows when it is unpacked. */
	packed: boolean
}

/** Longer names and types are not kept, as with them. */
const TEXT_BYTES_MAX = 255
const HEADERS_BYTES_MAX = 65_535
/** A form may say of its file what no answer could. */
const SENDABLE = /^[\x20-\x7e\xa0-\xff]+$/
const PREFIX = 'seaweed-'
/** Would mean something to whoever the answer passes through, or to a browser for all that this door serves. */
const NOT_THEIRS = new RegExp(
	`^(${[
		'content-|access-control-|cross-origin-|set-cookie|location$|refresh$|link$|transfer-encoding|connection|keep-alive|upgrade|trailer|te$',
		'strict-|www-|proxy-|authorization|etag|last-modified|accept-ranges|date$|server$|vary|age$|clear-site|x-accel|x-sendfile|x-lighttpd|x-reproxy',
		'nel$|report-to$|reporting-endpoints$|alt-svc|service-worker|speculation-|origin-agent|public-key-pins|expect-ct|accept-ch$|critical-ch$|set-login|use-as-dictionary',
	].join('|')})`,
)

/** PUT takes forms too: their documentation has always said so. What shows in the head is refused before any content is read. */
export async function incoming(request: FastifyRequest, address: { name: string; extension: string }, bytesMax: number): Promise<Incoming> {
	const { headers } = request
	const boundary = boundaryOf(headers['content-type'])
	const packed = isPacked(headers['content-encoding'])
	if ((lengthOf(request) ?? 0) > bytesMax + (packed || boundary !== undefined ? BESIDE_BYTES : 0)) throw tooLarge(bytesMax)
	if (boundary === undefined) return { ...ofBody(headers, address), ...decoded(await contentOf(request), packed) }
	return await ofForm(headers, address, await wholeOrStream(request), boundary)
}

async function ofForm(headers: IncomingHttpHeaders, address: { name: string; extension: string }, body: Readable | Buffer, boundary: string): Promise<Incoming> {
	const along = alongWith(headers)
	const file = await fileOfForm(body, boundary, (part, index) => (part.filename !== '' ? 'take' : index === 0 ? 'spare' : 'skip'))
	if (!file) throw new HttpError(400, 'the form has no part')
	const { 'content-type': type = '', 'content-md5': md5, 'content-encoding': encoding } = file.headers
	const md5Said = header(headers, 'content-md5') ?? md5
	return { ...named(file.filename || address.name, type), md5: md5Said, headers: along, ...decoded(file.content, isPacked(encoding)) }
}

/** The same of a request that came whole, and is not packed. */
export async function incomingWhole(headers: IncomingHttpHeaders, address: { name: string; extension: string }, body: Buffer): Promise<Incoming> {
	const boundary = boundaryOf(headers['content-type'])
	return boundary === undefined ? { ...ofBody(headers, address), content: body, packed: false } : await ofForm(headers, address, body, boundary)
}

function ofBody(headers: IncomingHttpHeaders, address: { name: string; extension: string }): Omit<Incoming, 'content' | 'packed'> {
	const said = headers['content-disposition'] ?? ''
	const name = said === '' ? address.name : filenameOf(said) || baseName(parametersOf(said).get('name') ?? '') || address.name
	return { ...named(name, plainType(headers)), md5: header(headers, 'content-md5'), headers: alongWith(headers) }
}

/** curl says this of whatever it is given with --data-binary. */
function plainType(headers: IncomingHttpHeaders): string {
	const type = headers['content-type'] ?? ''
	return type === 'application/x-www-form-urlencoded' ? '' : type
}

function named(name: string, type: string): Pick<Incoming, 'name' | 'mime'> {
	const text = toText(type)
	const says = SENDABLE.test(text) && text !== 'application/octet-stream' && text !== mediaTypeOf(Buffer.from(name))
	return { name: shortEnough(name), mime: says ? shortEnough(text) : '' }
}

function shortEnough(text: string): string {
	return Buffer.byteLength(text) <= TEXT_BYTES_MAX ? text.toWellFormed() : ''
}

function isPacked(encoding = ''): boolean {
	if (encoding === '' || encoding === 'identity') return false
	if (encoding.toLowerCase() !== 'gzip') throw new HttpError(415, `content in '${encoding}' is not understood`)
	return true
}

/** A plain file is what it is: what was packed for the way is unpacked. */
function decoded(content: AsyncIterable<Buffer> | Buffer, packed: boolean): Pick<Incoming, 'content' | 'packed'> {
	return { content: packed ? unpacked(Buffer.isBuffer(content) ? [content] : content) : content, packed }
}

export function tooLarge(bytesMax: number): HttpError {
	return new HttpError(413, `an object may have ${bytesMax} bytes`)
}

async function* unpacked(content: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
	const gunzip = createGunzip()
	const feeding = (async () => {
		try {
			for await (const chunk of content) if (!gunzip.write(chunk)) await drained(gunzip)
			gunzip.end()
		} catch (error) {
			gunzip.destroy(error as Error)
		}
	})()
	try {
		for await (const chunk of gunzip) yield chunk as Buffer
	} catch (error) {
		throw error instanceof HttpError ? error : new HttpError(400, 'the content is not what Content-Encoding says')
	}
	await feeding
}

function drained(stream: NodeJS.WritableStream & { destroyed?: boolean }): Promise<void> {
	return new Promise((resolve) => {
		if (stream.destroyed) return resolve()
		stream.once('drain', resolve).once('close', resolve)
	})
}

/** By the name they are sent back under. */
function alongWith(headers: IncomingHttpHeaders): Record<string, string> {
	const found: Record<string, string> = {}
	for (const name in headers) {
		const value = headers[name]
		if (!name.startsWith(PREFIX) || typeof value !== 'string') continue
		const short = name.slice(PREFIX.length)
		if (short !== '') found[NOT_THEIRS.test(short) ? name : short] = value
	}
	if (Buffer.byteLength(JSON.stringify(found)) > HEADERS_BYTES_MAX) throw new HttpError(400, `the ${PREFIX} headers are too long`)
	return found
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
	const value = headers[name]
	return typeof value === 'string' && value !== '' ? value : undefined
}
