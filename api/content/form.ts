/**
 * One file out of a form (multipart/form-data, RFC 7578), as a stream: whichever part the caller wants. What is not wanted is
 * read and dropped. A form that ends before its last boundary is refused, so that half a file is never taken for a whole one.
 */
import { Readable } from 'node:stream'
import { Dicer } from '@fastify/busboy'
import { HttpError } from '../errors.ts'
import { filenameInForm, parametersOf } from './disposition.ts'
import { partsOfWhole, type WholePart } from './whole-form.ts'

/** What a part says of itself. */
export interface PartHead {
	field: string
	/** '' where it is no file. */
	filename: string
	/** By name in small letters, as node would show them. */
	headers: Record<string, string>
}

export interface FormFile extends PartHead {
	/** Throws when the form turns out to be cut off. */
	content: AsyncIterable<Buffer> | Buffer
}

/** take: this is it, if none is yet. spare: it is, unless another is taken. only: it is, and a second one makes the form wrong. */
export type Verdict = 'take' | 'only' | 'spare' | 'skip'

/** What a form may have beside its file. */
export const BESIDE_BYTES = 64 * 1024
/** Of a part that may be wanted: read whole, because the one that is may still come. */
const SPARE_BYTES_MAX = 1024 * 1024
const PARTS_MAX = 1_000
const HEADER_PAIRS_MAX = 32
const BOUNDARY_CHARACTERS_MAX = 70

/** A form says so, and with which boundary. Undefined: it is none. */
export function boundaryOf(contentType: string | undefined): string | undefined {
	if (!/^multipart\/form-data\b/i.test(contentType ?? '')) return undefined
	const boundary = parametersOf((contentType ?? '').slice('multipart/form-data'.length)).get('boundary') ?? ''
	if (boundary === '' || boundary.length > BOUNDARY_CHARACTERS_MAX) throw new HttpError(400, 'the form does not say its boundary')
	return boundary
}

/** Asked of each part in its turn. */
export type Judge = (part: PartHead, index: number) => Verdict

/** Undefined: none was wanted. */
export async function fileOfForm(body: Readable | Buffer, boundary: string, judge: Judge): Promise<FormFile | undefined> {
	if (!Buffer.isBuffer(body)) return await fileOfStream(body, boundary, judge)
	const parts = partsOfWhole(body, boundary)
	return parts ? fileOf(parts, judge) : await fileOfStream(Readable.from([body]), boundary, judge)
}

function fileOf(parts: readonly WholePart[], judge: Judge): FormFile | undefined {
	let taken: FormFile | undefined
	let spare: FormFile | undefined
	for (const [index, { headers, content }] of parts.entries()) {
		const head = toHead(headers)
		const verdict = judge(head, index)
		if (taken && verdict === 'only') throw several()
		if (verdict === 'take' || verdict === 'only') taken ??= { ...head, content }
		else if (verdict === 'spare') spare ??= { ...head, content }
	}
	return taken ?? spare
}

function several(): HttpError {
	return new HttpError(400, 'the form has more than one file: each is to be sent by itself')
}

function fileOfStream(body: Readable, boundary: string, judge: Judge): Promise<FormFile | undefined> {
	const dicer = new Dicer({ boundary, maxHeaderPairs: HEADER_PAIRS_MAX })
	const { promise: ended, resolve: end, reject: failAll } = Promise.withResolvers<void>()
	const { promise: found, resolve: take, reject: giveUp } = Promise.withResolvers<FormFile | undefined>()
	let taken: Readable | undefined
	let spare: { head: PartHead; chunks: Buffer[] } | undefined
	let index = 0

	function fail(error: HttpError): void {
		body.unpipe(dicer)
		body.resume()
		failAll(error)
		giveUp(error)
		taken?.destroy(error)
	}

	function begin(part: Readable, raw: object): void {
		const head = toHead(Object.entries(raw as Record<string, string[]>).map(([name, [value]]) => [name.toLowerCase(), value]))
		const verdict = judge(head, index++)
		if (taken && verdict === 'only') return fail(several())
		if (!taken && (verdict === 'take' || verdict === 'only')) {
			taken = part
			take({ ...head, content: wholly(part, ended) })
		} else if (!taken && verdict === 'spare' && !spare) keep(part, head)
		else part.resume()
	}

	function keep(part: Readable, head: PartHead): void {
		const chunks: Buffer[] = []
		let bytes = 0
		spare = { head, chunks }
		part.on('data', (chunk: Buffer) => {
			bytes += chunk.length
			if (bytes > SPARE_BYTES_MAX) fail(new HttpError(413, 'the first part of the form is no file, and too large for anything else'))
			else chunks.push(chunk)
		})
	}

	let parts = 0
	dicer.on('part', (part: Readable) => {
		// What it is about is said by the form, and heard there.
		part.on('error', () => undefined)
		if (++parts > PARTS_MAX) fail(new HttpError(400, 'the form has too many parts'))
		part.on('header', (raw: object) => begin(part, raw))
	})
	dicer.on('error', () => fail(new HttpError(400, 'the form is cut off or cannot be read')))
	dicer.on('finish', () => {
		end()
		take(spare && { ...spare.head, content: from(spare.chunks) })
	})
	body.on('error', () => fail(new HttpError(400, 'the request was cut off')))
	body.on('close', () => {
		if (!body.readableEnded) fail(new HttpError(400, 'the request was cut off'))
	})
	// Whoever has the content hears of it there; before that, by `found`.
	ended.catch(() => undefined)
	body.pipe(dicer)
	return found
}

async function* wholly(part: Readable, ended: Promise<void>): AsyncGenerator<Buffer> {
	try {
		// Not destroyed by whoever stops early: the rest of the form is read over.
		for await (const chunk of part.iterator({ destroyOnReturn: false })) yield chunk as Buffer
	} catch {
		// What was wrong with it the form says.
		await ended
		throw new HttpError(400, 'the form is cut off')
	}
	await ended
}

async function* from(chunks: Buffer[]): AsyncGenerator<Buffer> {
	yield* chunks
}

/** What is said first counts. */
function toHead(lines: ReadonlyArray<[name: string, value: string]>): PartHead {
	const headers = Object.fromEntries(lines.toReversed())
	const said = headers['content-disposition'] ?? ''
	return { field: parametersOf(said).get('name') ?? '', filename: filenameInForm(said), headers }
}
