/** What a client says of an upload in headers, and how its row keeps that. */
import type { FastifyRequest } from 'fastify'
import type { UploadRow } from '../../core/catalogue/uploads.ts'
import type { Path } from '../../core/ids.ts'
import { conditionsIn, type Headers } from '../content/validators.ts'
import { HttpError } from '../errors.ts'

const METADATA_CHARACTERS_MAX = 8_192
const PARTIAL = 'partial'
const FINAL = 'final;'
const BASE64 = /^[A-Za-z0-9+/_-]{2,}={0,2}$/
/** No header can have one in it. */
const BETWEEN = '\n'

export interface Said {
	metadata: string
	/** `partial`, `final;ADDRESSES`, or nothing. */
	concat: string | undefined
	/** That have to hold when it is begun, and when it gets its name. */
	conditions: Headers
}

export function saidIn(request: FastifyRequest): Said {
	const metadata = String(request.headers['upload-metadata'] ?? '')
	if (metadata.length > METADATA_CHARACTERS_MAX) throw new HttpError(413, `Upload-Metadata has more than ${METADATA_CHARACTERS_MAX} characters`)
	const concat = request.headers['upload-concat']
	const conditions = conditionsIn(request.headers)
	if (concat === undefined) return { metadata, concat, conditions }
	if (typeof concat !== 'string' || (concat !== PARTIAL && !concat.startsWith(FINAL))) throw new HttpError(400, `Upload-Concat is ${PARTIAL} or ${FINAL}ADDRESSES`)
	return { metadata, concat, conditions }
}

export function toKeep({ metadata, concat, conditions }: Said): string {
	if (Object.keys(conditions).length > 0) return [metadata, concat ?? '', JSON.stringify(conditions)].join(BETWEEN)
	return concat === undefined ? metadata : metadata + BETWEEN + concat
}

export function saidOf({ metadata: kept }: UploadRow): Said {
	const [metadata, concat, conditions = '{}'] = kept.split(BETWEEN)
	return { metadata, concat: concat || undefined, conditions: JSON.parse(conditions) }
}

export function isPartial({ concat }: Said): boolean {
	return concat === PARTIAL
}

/** Addresses of the parts; undefined of what is no final upload. */
export function partsOf({ concat }: Said): string[] | undefined {
	return concat?.startsWith(FINAL) ? concat.slice(FINAL.length).split(' ').filter((address) => address !== '') : undefined
}

/** `path`, else `filename`: each in Base64. */
export function pathIn({ metadata }: Said): Path {
	const values = new Map(metadata.split(',').map((pair) => pair.trim().split(' ') as [string, string | undefined]))
	const value = values.get('path') ?? values.get('filename')
	if (!value) throw new HttpError(400, 'Upload-Metadata has no path')
	if (!BASE64.test(value)) throw new HttpError(400, 'the path in Upload-Metadata is not Base64')
	return Buffer.from(value, 'base64')
}

export function numberOf({ headers }: FastifyRequest, name: string): number {
	const value = String(headers[name] ?? '')
	if (!/^\d{1,15}$/.test(value)) throw new HttpError(400, `${name} is a number`)
	return Number(value)
}
