/** A directory as JSON, a page at a time: the next page begins after a name, so that what comes and goes meanwhile hides nothing. */
import type { FastifyRequest } from 'fastify'
import type { ShownRow } from '../../core/catalogue/entries.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { listShown } from '../../core/filesystem/list.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { encode, parameter } from '../content/paths.ts'
import { timeText } from '../content/time-text.ts'
import { HttpError } from '../errors.ts'

export const PREFIX = '/files/'
const ROWS = 1_000
const ROWS_MAX = 10_000

export interface Entry {
	/** As text; where it is no UTF-8, only the address is exact. */
	name: string
	href: string
	type: string
	size: number
	modified: string
	mode: string
}

export interface Page {
	path: string
	href: string
	entries: Entry[]
	/** The address of the next page; not there on the last. */
	next?: string
}

/** Of what `encode` leaves as it is. */
const PLAIN_NAME = /^[\w.~!$()*,=:@-]*$/
const KINDS = new Map<number, string>(Object.entries(KIND).map(([name, kind]) => [kind, name === 'regular' ? 'file' : name]))

export async function pageOf({ fs }: Api, request: FastifyRequest, directory: FileId, path: Path): Promise<Page> {
	const limit = limitOf(request.originalUrl)
	const after = parameter(request.originalUrl, 'after') ?? Buffer.alloc(0)
	const rows = await run(listShown(fs, directory, after, limit))
	const href = hrefOf(path, true)
	const last = rows.length === limit ? rows[rows.length - 1].name : undefined
	const next = last && `${href}?limit=${limit}&after=${encodeURIComponentOf(last)}`
	return { path: `/${path}`, href, entries: rows.map((row) => entryOf(row, href)), ...(next ? { next } : {}) }
}

function entryOf(row: ShownRow, directory: string): Entry {
	const { kind, size, mtime, mtime_ns, mode, name } = row
	const bytes = String.fromCharCode(...name)
	// Nearly all names are such that nothing has to be written otherwise.
	const isPlain = PLAIN_NAME.test(bytes)
	const isDirectory = kind === KIND.directory
	return {
		name: isPlain ? bytes : Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString(),
		href: directory + (isPlain ? bytes : encode(name)) + (isDirectory ? '/' : ''),
		type: KINDS.get(kind) ?? 'file',
		size: isDirectory ? 0 : size,
		modified: timeText(mtime, Math.floor(mtime_ns / 1e6)),
		mode: mode.toString(8).padStart(4, '0'),
	}
}

export function hrefOf(path: Path, isDirectory: boolean): string {
	return PREFIX + encode(path) + (isDirectory && path.length > 0 ? '/' : '')
}

/** In a query `=` and `&` would mean something else. */
function encodeURIComponentOf(name: Uint8Array): string {
	return encode(name).replaceAll('=', '%3D').replaceAll('&', '%26')
}

function limitOf(url: string): number {
	const text = parameter(url, 'limit')?.toString('latin1')
	if (text === undefined) return ROWS
	const limit = Number(text)
	if (!/^\d{1,6}$/.test(text) || limit < 1 || limit > ROWS_MAX) throw new HttpError(400, `limit is a number from 1 to ${ROWS_MAX}`)
	return limit
}
