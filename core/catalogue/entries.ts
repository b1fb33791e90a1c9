/** Table `entry`: a name in a directory that leads to a file. */
import type { FileId, Name } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { insertRows } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { FILE_COLUMNS, type FileRow, KIND } from './files.ts'

export interface EntryRow {
	parent_id: FileId
	name: Uint8Array
}

export type ListedRow = FileRow & { name: Uint8Array }

/** What a listing for people shows. */
export type ShownRow = Pick<ListedRow, 'name' | 'id' | 'kind' | 'mode' | 'size' | 'mtime' | 'mtime_ns'>

/** What a listing without attributes shows. */
export type NamedRow = Pick<ListedRow, 'name' | 'id' | 'kind'>

/** In a listing of several directories. */
export type ChildRow = NamedRow & { parent_id: FileId }

const LOOKUP = `SELECT ${FILE_COLUMNS} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name = ?`
const LIST = `SELECT e.name, ${FILE_COLUMNS} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name > ? ORDER BY e.name LIMIT ?`
const LIST_SHOWN = `SELECT e.name, f.id, f.kind, f.mode, f.size, f.mtime, f.mtime_ns FROM entry e JOIN file f ON f.id = e.file_id
	WHERE e.parent_id = ? AND e.name > ? ORDER BY e.name LIMIT ?`
const FROM = `SELECT e.name, ${FILE_COLUMNS} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name >= ? ORDER BY e.name LIMIT ?`
const LIST_NAMES = 'SELECT e.name, f.id, f.kind FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name > ? ORDER BY e.name LIMIT ?'
/** A page first: whoever looks for as many directories goes through all files on the way. */
const LIST_DIRECTORIES = `SELECT e.name, ${FILE_COLUMNS} FROM (SELECT name, file_id FROM entry WHERE parent_id = ? AND name > ? ORDER BY name LIMIT ?) e
	JOIN file f ON f.id = e.file_id WHERE f.kind = ${KIND.directory}`
const NAMES = 'SELECT parent_id, name FROM entry WHERE file_id = ? ORDER BY parent_id, name LIMIT ?'

export type SearchedRow = EntryRow & { file_id: FileId } & Pick<FileRow, 'kind' | 'size'>

/** Names of files with ids from `low` to `high` that have `part` in them, large or small letters alike; the highest id first. */
export function containing(
	reader: Reader,
	{ lower }: Pick<Capabilities, 'lower'>,
	{ part, low, high, limit }: { part: Uint8Array; low: FileId; high: FileId; limit: number },
): Maybe<SearchedRow[]> {
	return reader.all<SearchedRow>(
		`SELECT e.file_id, e.parent_id, e.name, f.kind, f.size FROM entry e JOIN file f ON f.id = e.file_id
			WHERE e.file_id BETWEEN ? AND ? AND INSTR(${lower('e.name')}, ${lower('?')}) > 0 ORDER BY e.file_id DESC LIMIT ?`,
		[low, high, part, limit],
	)
}

/** The lowest id among the `many` names up to an id; undefined where there are none. */
export async function lowestOf(reader: Reader, { high, many }: { high: FileId; many: number }): Promise<FileId | undefined> {
	const row = await reader.get<{ id: FileId | null }>(
		'SELECT MIN(file_id) AS id FROM (SELECT file_id FROM entry WHERE file_id <= ? ORDER BY file_id DESC LIMIT ?) stretch',
		[high, many],
	)
	return row?.id ?? undefined
}

export function lookup(reader: Reader, parent: FileId, name: Name): Maybe<FileRow | undefined> {
	return reader.get<FileRow>(LOOKUP, [parent, name])
}

export function lookupQuery(parent: FileId, name: Name, lock = ''): Query {
	return [lock ? LOOKUP + lock : LOOKUP, [parent, name]]
}

/** Entries after a name, by name: a cursor that stays right while others come and go. */
export function list(reader: Reader, parent: FileId, after: Uint8Array, limit: number): Maybe<ListedRow[]> {
	return reader.all<ListedRow>(LIST, [parent, after, limit])
}

/** The same with fewer columns: a third less work. */
export function listShown(reader: Reader, parent: FileId, after: Uint8Array, limit: number): Maybe<ShownRow[]> {
	return reader.all<ShownRow>(LIST_SHOWN, [parent, after, limit])
}

/** The same without attributes: half the work. */
export function listNamesQuery(parent: FileId, after: Uint8Array, limit: number): Query {
	return [LIST_NAMES, [parent, after, limit]]
}

/** The directories among as many entries after a name, in any order. */
export function listDirectoriesQuery(parent: FileId, after: Uint8Array, limit: number): Query {
	return [LIST_DIRECTORIES, [parent, after, limit]]
}

/** The names in several directories, by directory. */
export function listTogetherQuery(parents: readonly FileId[], limit: number): Query {
	const places = toPowerOfFour(parents)
	const sql = `SELECT e.parent_id, e.name, f.id, f.kind FROM entry e JOIN file f ON f.id = e.file_id
		WHERE e.parent_id IN (${places.map(() => '?').join()}) ORDER BY e.parent_id, e.name LIMIT ?`
	return [sql, [...places, limit]]
}

/** The directories among them. */
export function directoriesTogetherQuery(parents: readonly FileId[], limit: number): Query {
	const places = toPowerOfFour(parents)
	const page = `SELECT name, file_id FROM entry WHERE parent_id IN (${places.map(() => '?').join()}) ORDER BY parent_id, name LIMIT ?`
	return [`SELECT e.name, ${FILE_COLUMNS} FROM (${page}) e JOIN file f ON f.id = e.file_id WHERE f.kind = ${KIND.directory}`, [...places, limit]]
}

/** As few different statements as there are powers of four: databases prepare each once. */
function toPowerOfFour(parents: readonly FileId[]): FileId[] {
	const count = 4 ** Math.ceil(Math.log2(parents.length) / 2)
	return [...parents, ...Array<FileId>(count - parents.length).fill(parents[parents.length - 1])]
}

/** Entries from a name on, that name included. */
export function listFrom(reader: Reader, parent: FileId, name: Name, limit: number): Maybe<ListedRow[]> {
	return reader.all<ListedRow>(FROM, [parent, name, limit])
}

/** The first names of a file. */
export function namesOf(reader: Reader, file: FileId, limit: number): Maybe<EntryRow[]> {
	return reader.all<EntryRow>(NAMES, [file, limit])
}

export function namesQuery(file: FileId, limit: number): Query {
	return [NAMES, [file, limit]]
}

export function anyQuery(parent: FileId): Query {
	return ['SELECT 1 AS found FROM entry WHERE parent_id = ? LIMIT 1', [parent]]
}

/** The names from a directory up to the root, nearest first: one query however deep. */
export function chain(reader: Reader, id: FileId): Maybe<ChainRow[]> {
	return reader.all(...chainQuery(id))
}

export type ChainRow = EntryRow & { id: FileId }

export function chainQuery(id: FileId): Query {
	return [
		`WITH RECURSIVE up (id, parent_id, name, depth) AS (
			SELECT file_id, parent_id, name, 0 FROM entry WHERE file_id = ?
			UNION ALL
			SELECT e.file_id, e.parent_id, e.name, up.depth + 1 FROM entry e JOIN up ON e.file_id = up.parent_id WHERE up.id <> 1
		) SELECT id, parent_id, name FROM up ORDER BY depth`,
		[id],
	]
}

export function insert(tx: Transaction, parent: FileId, name: Name, file: FileId): void {
	tx.write('INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)', [parent, name, file])
}

export function insertAll(tx: Transaction, rows: ReadonlyArray<{ parent: FileId; name: Name; file: FileId }>): void {
	insertRows(tx, 'INSERT INTO entry (parent_id, name, file_id)', '(?,?,?)', rows, (values, at, { parent, name, file }) => {
		values[at] = parent
		values[at + 1] = name
		values[at + 2] = file
	})
}

export function remove(tx: Transaction, parent: FileId, name: Name): void {
	tx.write('DELETE FROM entry WHERE parent_id = ? AND name = ?', [parent, name])
}

export function point(tx: Transaction, parent: FileId, name: Name, file: FileId): void {
	tx.write('UPDATE entry SET file_id = ? WHERE parent_id = ? AND name = ?', [file, parent, name])
}

/** One row, whatever is below it. */
export function move(tx: Transaction, from: { parent: FileId; name: Name }, to: { parent: FileId; name: Name }): void {
	tx.write('UPDATE entry SET parent_id = ?, name = ? WHERE parent_id = ? AND name = ?', [
		to.parent, to.name, from.parent, from.name,
	])
}
