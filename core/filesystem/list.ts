/** Listing a directory. */
import type { Query } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { ChildRow, ListedRow, NamedRow, ShownRow } from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import type { FileId, Name } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { isBehind } from './behind.ts'
import type { Filesystem } from './filesystem.ts'
import { catchUp } from './follow.ts'
import type { KeptRows } from './list-ahead.ts'

/** Of several directories, in one question. */
const TOGETHER_ROWS_MAX = 1_024

/** The entries after a name, by name. The cursor is a name, so entries that come and go meanwhile neither hide nor double the others. */
export function* list(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<ListedRow[]> {
	const asked = fs.directories.generation()
	const rows = yield* wait(entries.list(fs.catalogue, parent, after, limit))
	learn(fs, asked, { parent, rows, after })
	return rows
}

/** The same as a person sees it. */
export function* listShown(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<ShownRow[]> {
	const asked = fs.directories.generation()
	const rows = yield* wait(entries.listShown(fs.catalogue, parent, after, limit))
	learn(fs, asked, { parent, rows, after })
	return rows
}

/** The same with the attributes of directories only: who walks a tree wants those, and often no others. */
export function* listNames(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<KeptRows> {
	const asked = fs.directories.generation()
	const rows = after.length === 0 ? yield* listWhole(fs, parent, limit) : yield* listPart(fs, parent, after, limit)
	learn(fs, asked, { parent, rows, after })
	return rows
}

function* listPart(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<Array<NamedRow | ListedRow>> {
	const names = entries.listNamesQuery(parent, after, limit)
	const directories = entries.listDirectoriesQuery(parent, after, limit)
	if (fs.capabilities.synchronous) return yield* withDirectories(fs, yield* wait(fs.catalogue.all<NamedRow>(...names)), directories)
	// Across a socket both at once.
	return merge(...((yield* wait(fs.catalogue.read(names, directories))) as unknown as [NamedRow[], ListedRow[]]))
}

/** A directory from its beginning, with those that will be asked for next. */
function* listWhole(fs: Filesystem, directory: FileId, limit: number): Op<KeptRows> {
	const { listings } = fs.readAhead
	if (isBehind(fs)) yield* catchUp(fs)
	const kept = listings.find(directory)
	if (kept && kept.length < limit) return kept
	const asked = listings.generation()
	const together = listings.together(directory)
	if (together.length > 1) {
		for (const [id, rows] of yield* listTogether(fs, together)) listings.keep(asked, id, packed(rows))
		const rows = listings.find(directory)
		if (rows && rows.length < limit) return rows
	}
	const rows = yield* listPart(fs, directory, BEGINNING, limit)
	if (rows.length < limit) listings.keep(asked, directory, packed(rows))
	return rows
}

/** With all names in one piece of memory: a thousand small ones take three times as much. */
function packed(rows: Array<NamedRow | ListedRow>): KeptRows {
	const bytes = Buffer.concat(rows.map(({ name }) => name))
	let end = 0
	for (const row of rows) {
		const start = end
		end += row.name.length
		row.name = bytes.subarray(start, end)
	}
	return rows
}

const BEGINNING: Name = Buffer.alloc(0)

/** Directories whose names all came. */
function* listTogether(fs: Filesystem, ids: readonly FileId[]): Op<Map<FileId, Array<NamedRow | ListedRow>>> {
	const sorted = [...ids].sort((a, b) => a - b)
	const rows = yield* wait(fs.catalogue.all<ChildRow>(...entries.listTogetherQuery(sorted, TOGETHER_ROWS_MAX)))
	// Ordered by directory: where there was no room for all rows, those from the last one on are not whole.
	const end = rows.length < TOGETHER_ROWS_MAX ? Infinity : rows[rows.length - 1].parent_id
	const whole = new Map<FileId, Array<NamedRow | ListedRow>>()
	for (const id of sorted) if (id < end) whole.set(id, [])
	const shown = yield* withDirectories(fs, rows, entries.directoriesTogetherQuery(sorted, TOGETHER_ROWS_MAX))
	for (const [index, { parent_id }] of rows.entries()) whole.get(parent_id)?.push(shown[index])
	return whole
}

/** Asks for the attributes of directories if there are any among the names. */
function* withDirectories(fs: Filesystem, rows: NamedRow[], directories: Query): Op<Array<NamedRow | ListedRow>> {
	return rows.some(isDirectory) ? merge(rows, yield* wait(fs.catalogue.all<ListedRow>(...directories))) : rows
}

/** A directory that was moved between the two questions is shown without attributes. */
function merge(rows: NamedRow[], directories: ListedRow[]): Array<NamedRow | ListedRow> {
	if (directories.length === 0) return rows
	const byId = new Map(directories.map((row) => [row.id, row]))
	return rows.map((row) => {
		const whole = isDirectory(row) ? byId.get(row.id) : undefined
		return whole && Buffer.compare(whole.name, row.name) === 0 ? whole : row
	})
}

/** What comes by: where directories are, and what whoever walks here will list next. */
function learn(fs: Filesystem, asked: number, { parent, rows, after }: { parent: FileId; rows: readonly NamedRow[]; after: Uint8Array }): void {
	const subdirectories = rows.filter(isDirectory)
	for (const row of subdirectories) fs.directories.learn(asked, row.id, parent, asBuffer(row.name))
	if (subdirectories.length > 1) fs.readAhead.listings.seen(parent, subdirectories.map(({ id }) => id), after.length === 0)
}

/** Rows of the embedded database have plain bytes. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Name {
	return Buffer.from(buffer, byteOffset, length)
}

function isDirectory({ kind }: NamedRow): boolean {
	return kind === KIND.directory
}
