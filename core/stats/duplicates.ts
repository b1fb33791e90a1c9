/**
 * Files that have the same content, by their hashes. All of these are read once, a page at a time, and of each only its beginning is kept: sixteen
 * bytes a file. What begins alike is then asked for as a whole.
 */
import { endOfPageQuery } from '../catalogue/bulk.ts'
import type { Driver } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as finds from '../catalogue/finds.ts'
import type { FileId } from '../ids.ts'

const PAGE_FILES = 10_000
/** Of files that begin alike: in memory at a time. */
const ROWS_AT_ONCE = 1_000
const POSITION_BITS = 32n

export interface Hashed {
	row: FileRow
	hash: Buffer
}

/** Those of one content follow each other. */
export async function* contentsInOrder(catalogue: Driver): AsyncGenerator<Hashed[]> {
	let some: FileId[] = []
	for (const ids of alike(await readBeginnings(catalogue))) {
		if (some.length > 0 && some.length + ids.length > ROWS_AT_ONCE) {
			yield* repeated(catalogue, some)
			some = []
		}
		some = [...some, ...ids]
	}
	if (some.length > 0) yield* repeated(catalogue, some)
}

interface Beginnings {
	/** In order: four bytes of a hash, and which of the files it is of. */
	sorted: BigUint64Array
	idAt(position: number): FileId
}

async function readBeginnings(catalogue: Driver): Promise<Beginnings> {
	const ids: Float64Array[] = []
	const beginnings: BigUint64Array[] = []
	for (let after = 0; ; ) {
		const page = await catalogue.get<{ last: FileId | null }>(...endOfPageQuery({ table: 'file' }, after, PAGE_FILES))
		const last = page?.last ?? undefined
		if (last === undefined) break
		const rows = await finds.hashesBetween(catalogue, after, last)
		const first = ids.length * PAGE_FILES
		beginnings.push(BigUint64Array.from(rows, ({ hash }, index) => (BigInt(beginningOf(hash)) << POSITION_BITS) | BigInt(first + index)))
		ids.push(Float64Array.from(rows, ({ id }) => id))
		after = last
	}
	const sorted = new BigUint64Array(beginnings.reduce((many, { length }) => many + length, 0))
	let at = 0
	for (const part of beginnings) {
		sorted.set(part, at)
		at += part.length
	}
	return { sorted: sorted.sort(), idAt: (position) => ids[Math.floor(position / PAGE_FILES)][position % PAGE_FILES] }
}

function beginningOf(hash: Uint8Array): number {
	return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}

/** Two or more each time. */
function* alike({ sorted, idAt }: Beginnings): Generator<FileId[]> {
	for (let from = 0, to = 0; from < sorted.length; from = to) {
		while (to < sorted.length && sorted[to] >> POSITION_BITS === sorted[from] >> POSITION_BITS) to++
		if (to - from > 1) yield Array.from(sorted.subarray(from, to), (each) => idAt(Number(BigInt.asUintN(Number(POSITION_BITS), each))))
	}
}

/** Of these files those whose content others of them have. */
async function* repeated(catalogue: Driver, ids: readonly FileId[]): AsyncGenerator<Hashed[]> {
	if (ids.length <= ROWS_AT_ONCE) {
		const rows = await hashed(catalogue, ids)
		const many = countContents(rows)
		return yield rows.filter(({ hash }) => (many.get(hash.toString('hex')) ?? 0) > 1).sort((a, b) => a.hash.compare(b.hash) || a.row.id - b.row.id)
	}
	const many = new Map<string, number>()
	for await (const rows of parts(catalogue, ids)) countContents(rows, many)
	for (const [content, files] of many) {
		if (files > 1) for await (const rows of parts(catalogue, ids)) yield rows.filter(({ hash }) => hash.toString('hex') === content)
	}
}

function countContents(rows: readonly Hashed[], many: Map<string, number> = new Map()): Map<string, number> {
	for (const content of rows.map(({ hash }) => hash.toString('hex'))) many.set(content, (many.get(content) ?? 0) + 1)
	return many
}

async function* parts(catalogue: Driver, ids: readonly FileId[]): AsyncGenerator<Hashed[]> {
	for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) yield await hashed(catalogue, ids.slice(at, at + ROWS_AT_ONCE))
}

async function hashed(catalogue: Driver, ids: readonly FileId[]): Promise<Hashed[]> {
	const rows = (await catalogue.read(...finds.hashedQueries(ids))) as Array<Array<FileRow & { hash: Uint8Array }>>
	return rows.flat().map((row) => ({ row, hash: Buffer.from(row.hash) }))
}
