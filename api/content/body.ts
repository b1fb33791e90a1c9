/** The body of a request as what it carries, read as fast as it is taken. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { HttpError } from '../errors.ts'

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
		throw new HttpError(400, 'the request was cut off')
	}
	if (!raw.complete) throw new HttpError(400, 'the request was cut off')
}

/** Of a body that is read whole. */
export async function textOf(request: Pick<FastifyRequest, 'raw'>, bytesMax: number): Promise<Buffer> {
	const chunks: Buffer[] = []
	let bytes = 0
	for await (const chunk of bodyOf(request)) {
		bytes += chunk.length
		if (bytes > bytesMax) throw new HttpError(413, `the request has more than ${bytesMax} bytes`)
		chunks.push(chunk)
	}
	return Buffer.concat(chunks)
}

/** Undefined where it is not announced. */
export function lengthOf({ headers }: Pick<FastifyRequest, 'headers'>): number | undefined {
	const length = headers['content-length']
	return length === undefined ? undefined : Number(length)
}
