/** The body of a request as what it carries, read as fast as it is taken. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { HttpError } from '../errors.ts'
import { isWaiting } from '../framing.ts'

/** Of a request that is XML. */
const TEXT_BYTES_MAX = 1_048_576

/** Handlers of this scope read bodies themselves, whatever their type and length. */
export function takeBodies(app: FastifyInstance): void {
	app.removeAllContentTypeParsers()
	app.addContentTypeParser('*', (_, __, done) => done(null))
}

/** Not destroyed by whoever stops early: the connection still has an answer to carry. */
export async function* bodyOf({ raw }: Pick<FastifyRequest, 'raw'>): AsyncGenerator<Buffer, void, undefined> {
	try {
		for await (const chunk of (raw as Readable).iterator({ destroyOnReturn: false })) yield chunk as Buffer
	} catch {
		throw cutOff()
	}
	if (!raw.complete) throw cutOff()
}

/** Gathered before anybody sees it. */
const SMALL_BYTES_MAX = 64 * 1024

/** The same of what is of no use unless all of it comes: whole where it is small. Who asks whether to send it may still hear that nobody takes it. */
export async function contentOf(request: Pick<FastifyRequest, 'raw' | 'headers'>): Promise<AsyncIterable<Buffer> | Buffer> {
	return isSmall(request) && !isWaiting(request.raw) ? await gathered(request.raw) : bodyOf(request)
}

/** The same as a stream where it is large. */
export async function wholeOrStream(request: Pick<FastifyRequest, 'raw' | 'headers'>): Promise<Readable | Buffer> {
	return isSmall(request) ? await gathered(request.raw) : request.raw
}

function isSmall(request: Pick<FastifyRequest, 'headers'>): boolean {
	return (lengthOf(request) ?? Number.POSITIVE_INFINITY) <= SMALL_BYTES_MAX
}

/** By events: to iterate over a stream costs more than all the rest of a small request's way through node. */
function gathered(raw: IncomingMessage): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = []
		let isWhole = false
		const cut = () => {
			// To make an error is not cheap, and every request closes.
			if (!isWhole) reject(cutOff())
		}
		const end = () => {
			if (!raw.complete) return cut()
			isWhole = true
			resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
		}
		if (raw.destroyed) return cut()
		raw.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', end).once('error', cut).once('close', cut)
	})
}

function cutOff(): HttpError {
	return new HttpError(400, 'the request was cut off')
}

/** Of a body that is read whole. */
export async function textOf(request: Pick<FastifyRequest, 'raw' | 'headers'>): Promise<Buffer> {
	const chunks: Buffer[] = []
	let bytes = 0
	const check = (count: number) => {
		if (count > TEXT_BYTES_MAX) throw new HttpError(413, `the request has more than ${TEXT_BYTES_MAX} bytes`)
	}
	check(lengthOf(request) ?? 0)
	for await (const chunk of bodyOf(request)) {
		bytes += chunk.length
		check(bytes)
		chunks.push(chunk)
	}
	return Buffer.concat(chunks)
}

/** Undefined where it is not announced. */
export function lengthOf({ headers }: Pick<FastifyRequest, 'headers'>): number | undefined {
	const length = headers['content-length']
	return length === undefined ? undefined : Number(length)
}
