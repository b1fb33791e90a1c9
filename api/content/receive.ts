/** Content that comes with a request gets a name, whole or not at all. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FileRow } from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, Errno, fail } from '../../core/errors.ts'
import type { Check } from '../../core/filesystem/expected.ts'
import type { Located } from '../../core/filesystem/resolve.ts'
import { store, type StoreOptions, storeWhole } from '../../core/filesystem/store.ts'
import type { Intake, Stored } from '../../core/filesystem/upload.ts'
import { run } from '../../core/op.ts'
import { stillHolds } from '../access/still.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { contentOf, lengthOf } from './body.ts'
import { besidesOf, expectedOf, verify } from './digests.ts'
import { conditionOf, require } from './validators.ts'

export interface Received {
	row: FileRow
	sha256: Buffer
	/** Nothing had the name before. */
	isNew: boolean
}

export interface ReceiveOptions {
	/** Instead of the body as it is: what it carries. Asked for when nothing speaks against it any more. */
	source?: () => Promise<AsyncIterable<Buffer> | Buffer>
	/** EFBIG when there is more. */
	bytesMax?: number
	/** Asked in the transaction besides the conditions of the request. */
	check?: Check
	exclusive?: boolean
}

/** To where `located` says; whether whoever asks may write there is the caller's to have asked. */
export async function receive(request: FastifyRequest, reply: FastifyReply, api: Api, located: Located, options: ReceiveOptions = {}): Promise<Received> {
	refuseUnfit(request)
	const holds = stillHolds(request, api)
	const arrival = arrivalAt(request.headers, api, located, {
		...options,
		*check(tx, current) {
			yield* holds(tx)
			if (options.check) yield* options.check(tx, current)
		},
	})
	const { intake, received } = arrival
	const content = await (options.source?.() ?? contentOf(request))
	const ending = { ...arrival.ending, bytesExactly: options.source ? undefined : (lengthOf(request) ?? expectedLengthOf(request.headers)) }
	const stored = await (Buffer.isBuffer(content) ? whole(api, intake, content, ending) : store(api.fs, intake, content, ending)).catch(refuseWithout)
	if (ending.modified) reply.header('x-oc-mtime', 'accepted')
	return received(stored)
}

/** The same of content that is at hand. */
export async function receiveWhole(headers: IncomingHttpHeaders, api: Api, located: Located, content: Buffer): Promise<Received> {
	const { intake, ending, received } = arrivalAt(headers, api, located, {})
	return received(await whole(api, intake, content, ending).catch(refuseWithout))
}

async function whole({ fs }: Api, intake: Intake, content: Buffer, ending: StoreOptions): Promise<Stored> {
	return await run(storeWhole(fs, intake, content, ending))
}

/** That there is nothing is no answer to who brings something. */
function refuseWithout(error: unknown): never {
	throw codeOf(error) === 'ENOENT' ? new Errno('ESTALE', 'the directory it was to be in was removed meanwhile') : error
}

interface Arrival {
	intake: Intake
	ending: StoreOptions
	received(stored: Stored): Received
}

function arrivalAt(headers: IncomingHttpHeaders, { config }: Api, { place, path, row }: Located, options: ReceiveOptions): Arrival {
	if (!place || row?.kind === KIND.directory) return fail('EISDIR', 'a directory is there')
	// Around what the body carries they are not of it.
	const expected = options.source ? [] : expectedOf(headers)
	require(headers, row)
	const condition = conditionOf(headers)
	let isNew = true
	const ending: StoreOptions = {
		verify: (found) => verify(expected, found),
		modified: modifiedOf(headers),
		exclusive: options.exclusive,
		bytesMax: options.bytesMax,
		isFree: row === undefined,
		*check(tx, current) {
			isNew = current === undefined
			if (condition) yield* condition(tx, current)
			if (options.check) yield* options.check(tx, current)
		},
	}
	const { uid, gid, fileMode } = config.api
	const intake = { place, path, attributes: { mode: fileMode, uid, gid }, besides: besidesOf(expected) }
	return { intake, ending, received: ({ row, sha256 }) => ({ row, sha256, isNew }) }
}

/** What the head alone refuses, whatever has the name. */
export function refuseUnfit(request: FastifyRequest): void {
	refuseParts(request)
	refuseCodings(request)
}

/** The same where nothing has it: before directories are made above it. */
export function refuseNew(request: FastifyRequest): void {
	refuseUnfit(request)
	require(request.headers, undefined)
}

/** A plain file would not say how its content is packed, and nobody could unpack it (RFC 9110, 8.4). */
function refuseCodings({ headers }: FastifyRequest): void {
	const { 'content-encoding': coding = 'identity' } = headers
	if (coding !== '' && coding.toLowerCase() !== 'identity') throw new HttpError(415, `content is stored as it is, and not in '${coding}'`, { 'accept-encoding': 'identity' })
}

/** Not taken for the whole (RFC 9110, 14.4). */
export function refuseParts({ headers }: FastifyRequest): void {
	if (headers['content-range'] !== undefined) throw new HttpError(400, 'a part of a file cannot be put (Content-Range)')
}

/** What the Finder says of a file that it sends in chunks. */
function expectedLengthOf({ 'x-expected-entity-length': value }: IncomingHttpHeaders): number | undefined {
	return /^\d{1,15}$/.test(String(value ?? '')) ? Number(value) : undefined
}

/** What ownCloud's clients, and rclone as one of them, say of the time a file was last changed. */
export function modifiedOf({ 'x-oc-mtime': value }: IncomingHttpHeaders): { s: number; ns: number } | undefined {
	const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(String(value ?? '')) ?? []
	return seconds === undefined ? undefined : { s: Number(seconds), ns: Number(fraction.padEnd(9, '0')) }
}
