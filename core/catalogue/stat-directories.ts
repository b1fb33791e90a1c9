/** Table `stat_directory`: all that is below each directory, hard links once. */
import type { FileId } from '../ids.ts'
import { endOfPageQuery, IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Query, Transaction } from './driver.ts'
import { KIND } from './files.ts'

/** Files are all that are no directories; bytes those of regular files. */
export interface Below {
	files: number
	bytes: number
	directories: number
}

export interface CountedDirectory extends Below {
	id: FileId
	/** Where it was counted; 0: nowhere. */
	parent_id: FileId
}

const COLUMNS = 'd.id, d.parent_id, d.files, d.bytes, d.directories'
const COUNTED = `SELECT ${COLUMNS} FROM stat_directory d WHERE d.id IN ${IN_LIST}`
/** A directory has one name; the root has none. */
const PLACES = `SELECT f.id, e.parent_id FROM file f LEFT JOIN entry e ON e.file_id = f.id WHERE f.id IN ${IN_LIST} AND f.kind = ${KIND.directory}`

export function countedQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [COUNTED, list])
}

/** Of directories that are there now. */
export function placesQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [PLACES, list])
}

export function findQuery(id: FileId): Query {
	return [`SELECT ${COLUMNS} FROM stat_directory d WHERE d.id = ?`, [id]]
}

export type NamedDirectory = CountedDirectory & { name: Uint8Array }

/** By id, those after `after`. */
export function childrenQuery(parent: FileId, after: FileId, limit: number): Query {
	return [`SELECT ${COLUMNS}, e.name FROM stat_directory d JOIN entry e ON e.file_id = d.id WHERE d.parent_id = ? AND d.id > ? ORDER BY d.id LIMIT ?`, [parent, after, limit]]
}

export function remove(tx: Transaction, ids: readonly FileId[]): void {
	for (const list of inLists(ids)) tx.write(`DELETE FROM stat_directory WHERE id IN ${IN_LIST}`, list)
}

export function insert(tx: Transaction, rows: readonly CountedDirectory[]): void {
	insertRows(tx, 'INSERT INTO stat_directory (id, parent_id, files, bytes, directories)', '(?,?,?,?,?)', rows, (values, at, row) => {
		values[at] = row.id
		values[at + 1] = row.parent_id
		values[at + 2] = row.files
		values[at + 3] = row.bytes
		values[at + 4] = row.directories
	})
}

export function removeBetween(tx: Transaction, after: FileId, last: FileId): void {
	tx.write('DELETE FROM stat_directory WHERE id > ? AND id <= ?', [after, last])
}

export function endQuery(after: FileId, limit: number): Query {
	return endOfPageQuery({ table: 'stat_directory' }, after, limit)
}
