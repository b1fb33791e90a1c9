/** The content of a file as an answer: ranges, conditions, and bytes that go on from another node when one fails. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { hashOf } from '../../core/catalogue/hashes.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { fail } from '../../core/errors.ts'
import { closeContent, type Content, isAsOpened, openLocated, readPart, readRange, sendRange, Shortened } from '../../core/filesystem/read-content.ts'
import type { Located } from '../../core/filesystem/resolve.ts'
import { isPromise, type Op, run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { HttpError, toFailure } from '../errors.ts'
import { openOutlet } from './outlet.ts'
import { type ByteRange, rangesOf } from './ranges.ts'
import { judge, rangesHold, validatorsOf } from './validators.ts'

/** Sent in one piece. */
const WHOLE_BYTES_MAX = 64 * 1024
/** Of what is sent in several: held back until it is known that the rest was all of one content. */
const LAST_BYTES = 16 * 1024
/** Several who replace it one after the other leave no more than moments in between. */
const ATTEMPTS_MAX = 100
const PRECONDITION_FAILED = 412

/** What `sendFile` answers where nothing is wrong. */
export const READ_ANSWERS = [200, 206, 304] as const

export type Found = Located & { row: LocatedRow }

export interface SendOptions {
	/** Where the file is: asked again when it was replaced before it was open. Whether whoever asks may go there is for this to say. */
	find: () => Op<Found>
	/** Content-Type, Content-Disposition and whatever else the door says of it. */
	headersOf: (found: Found) => Record<string, string>
	/** Answers without carrying the bytes; true when it did. */
	handOver?: (content: Content, headers: Record<string, string>) => boolean
	/** Told of what was answered: a small file, whole. */
	sent?: (found: Found, headers: Record<string, string>, bytes: Buffer) => void
}

/** Answers by itself; what is thrown comes before any of the answer. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, api: Api, options: SendOptions): Promise<FastifyReply> {
	for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		// Whoever has replaced it brings the new one to its place in a turn of his own.
		if (attempt > 0) await othersFirst()
		const found = await run(options.find())
		if (found.row.kind !== KIND.regular) fail(found.row.kind === KIND.directory ? 'EISDIR' : 'EINVAL', 'it is no file')
		const headers = headersOf(found, options)
		const verdict = judge(request.method, request.headers, found.row)
		if (verdict === PRECONDITION_FAILED) throw new HttpError(verdict, 'it is not as the conditions of the request want it')
		if (verdict !== undefined) return reply.code(verdict).headers(headers).send()
		const content = await run(openLocated(api.fs, found))
		if (!content) continue
		const answer = { request, reply, api, content, headers, sent: options.sent }
		if (options.handOver?.(content, headers)) {
			await run(closeContent(api.fs, content))
			return reply.headers(headers).send()
		}
		try {
			return await sendContent(answer)
		} catch (error) {
			// What somebody has begun to write anew is sent as it is by then.
			if (!(error instanceof Shortened)) throw error
		}
	}
	return fail('EAGAIN', 'the file is replaced all the time')
}

function headersOf(found: Found, options: SendOptions): Record<string, string> {
	const { etag, modified } = validatorsOf(found.row)
	// Without a word of it a cache takes what was changed a year ago for good for a month more (RFC 9111, 4.2.2).
	return { etag, 'last-modified': modified.toUTCString(), 'accept-ranges': 'bytes', 'cache-control': 'no-cache', ...options.headersOf(found) }
}

interface Answer {
	request: FastifyRequest
	reply: FastifyReply
	api: Api
	content: Content
	headers: Record<string, string>
	sent: SendOptions['sent']
}

async function sendContent(answer: Answer): Promise<FastifyReply> {
	const { request, reply, api, content, headers } = answer
	const { size, located } = content
	const ranges = rangesHold(request.headers, located.row) ? rangesOf(request.headers.range, size) : undefined
	if (ranges?.length === 0) {
		await run(closeContent(api.fs, content))
		throw new HttpError(416, 'nothing of the ranges asked for is there', { 'content-range': `bytes */${size}` })
	}
	const digest = ranges ? undefined : hashOf(located.row)
	if (digest) headers['repr-digest'] = `sha-256=:${digest.toString('base64')}:`
	const [only] = ranges ?? [{ start: 0, end: size }]
	if (ranges && ranges.length > 1) return await sendParts(answer, ranges)
	if (ranges) headers['content-range'] = `bytes ${only.start}-${only.end - 1}/${size}`
	headers['content-length'] = String(only.end - only.start)
	if (request.method !== 'HEAD' && only.end - only.start <= WHOLE_BYTES_MAX) return await sendWhole(answer, only, ranges ? 206 : 200)
	reply.code(ranges ? 206 : 200).headers(headers)
	if (request.method === 'HEAD') {
		await run(closeContent(api.fs, content))
		return reply.send()
	}
	return await stream(answer, () => pour(answer, only))
}

async function pour(answer: Answer, { start, end }: ByteRange): Promise<void> {
	const { reply: { raw }, api: { fs }, content } = answer
	const last = end - LAST_BYTES
	await pourMost(answer, { start, end: last })
	if (raw.destroyed) return
	const chunks = await Array.fromAsync(readRange(fs, content, last, end))
	await checkContent(answer)
	for (const chunk of chunks) raw.write(chunk)
}

/** The kernel carries it where it can. */
async function pourMost({ reply: { raw }, api: { fs }, content }: Answer, range: ByteRange): Promise<void> {
	const outlet = content.file.node.remote ? undefined : openOutlet(raw)
	if (!outlet) return await write(raw, readRange(fs, content, range.start, range.end))
	try {
		await sendRange(fs, content, range, outlet)
	} finally {
		outlet.close()
	}
}

/** Half of one content and half of another under the tag of the first would be taken for it: such an answer is not brought to its end. */
async function checkContent({ api: { fs }, content }: Answer): Promise<void> {
	if (!(await isAsOpened(fs, content))) fail('ESTALE', 'somebody wrote to it while it was sent')
}

/** Nothing of an answer is there before all of it is. */
async function sendWhole({ reply, api: { fs }, content, headers, sent }: Answer, { start, end }: ByteRange, status: 200 | 206): Promise<FastifyReply> {
	const result = run(
		(function* () {
			try {
				const bytes = yield* readPart(fs, content, start, end - start)
				if (bytes.length < end - start) throw new Shortened()
				return bytes
			} finally {
				yield* closeContent(fs, content)
			}
		})(),
	)
	const bytes = isPromise(result) ? await result : result
	if (status === 200) sent?.(content.located, headers, bytes)
	return reply.code(status).headers(headers).send(bytes)
}

/** Several ranges, each with a head of its own (RFC 9110, 14.6). */
async function sendParts(answer: Answer, ranges: readonly ByteRange[]): Promise<FastifyReply> {
	const { reply, request, api, content, headers } = answer
	const boundary = randomBytes(12).toString('hex')
	const { 'content-type': type = 'application/octet-stream' } = headers
	const heads = ranges.map(({ start, end }) =>
		Buffer.from(`\r\n--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: bytes ${start}-${end - 1}/${content.size}\r\n\r\n`, 'latin1'),
	)
	const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
	const length = ranges.reduce((sum, { start, end }, index) => sum + heads[index].length + end - start, tail.length)
	reply.code(206).headers({ ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}`, 'content-length': String(length) })
	if (request.method === 'HEAD') {
		await run(closeContent(api.fs, content))
		return reply.send()
	}
	async function* parts(): AsyncGenerator<Buffer> {
		for (const [index, { start, end }] of ranges.entries()) {
			yield heads[index]
			yield* readRange(api.fs, content, start, end)
		}
		await checkContent(answer)
		yield tail
	}
	return await stream(answer, () => write(reply.raw, parts()))
}

/** Straight to the connection, no faster than it takes it; closed whoever ends first. */
async function stream({ request, reply, api, content }: Answer, send: () => Promise<void>): Promise<FastifyReply> {
	reply.hijack()
	const { raw } = reply
	raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>)
	try {
		await send()
		raw.end()
	} catch (error) {
		// The head is sent: that the connection ends before the length that was announced is all that can be said.
		raw.destroy()
		api.report(`${request.method} ${request.originalUrl.split('?', 1)[0]}: ${toFailure(error).code} in the middle of the answer`)
	} finally {
		await run(closeContent(api.fs, content))
	}
	return reply
}

async function write(raw: ServerResponse, chunks: AsyncIterable<Buffer>): Promise<void> {
	for await (const chunk of chunks) {
		if (raw.destroyed) return
		if (!raw.write(chunk)) await drained(raw)
	}
}

function drained(raw: ServerResponse): Promise<void> {
	return new Promise((resolve) => {
		const done = () => {
			raw.off('drain', done)
			raw.off('close', done)
			resolve()
		}
		raw.on('drain', done)
		raw.on('close', done)
		if (raw.destroyed) done()
	})
}
