/** Table `stat_file`: what each file was last counted as; and what it is now. */
import type { FileId, NodeId } from '../ids.ts'
import { endOfPageQuery, IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Query, Transaction } from './driver.ts'

export interface CountedFile {
	file_id: FileId
	parent_id: FileId
	class_id: number
	/** Good or surplus at the file's version; `NO_COPIES`: of a kind that has none. */
	copies: number
	size: number
	/** `node:state ...` of each of its copies. */
	held: string
	/** Sites that hold the file's version; `NO_SITES`: it is fetched by none. */
	sites: number
	/** `site:state ...`; state as in stat_site. */
	elsewhere: string
}

export const NO_COPIES = -1
export const NO_SITES = -1

/** What is asked of the files that are counted anew. */
export interface PresentFile {
	id: FileId
	kind: number
	size: number
	version: number
	class_id: number
	/** Copies off-site that its class asks for. */
	offsite: number
}

export interface PresentCopy {
	file_id: FileId
	node_id: NodeId
	version: number
	state: number
}

export interface PresentBackup {
	file_id: FileId
	site_id: number
	version: number
	state: number
}

export interface PresentPlace {
	file_id: FileId
	parent_id: FileId
}

const FILES = `SELECT f.id, f.kind, f.size, f.version, f.class_id, COALESCE(c.offsite, 0) AS offsite FROM file f LEFT JOIN class c ON c.id = f.class_id WHERE f.id IN ${IN_LIST}`
const COPIES = `SELECT file_id, node_id, version, state FROM replica WHERE file_id IN ${IN_LIST} ORDER BY file_id, node_id`
const BACKUPS = `SELECT file_id, site_id, version, state FROM backup WHERE file_id IN ${IN_LIST} ORDER BY file_id, site_id`
const PLACES = `SELECT file_id, MIN(parent_id) AS parent_id FROM entry WHERE file_id IN ${IN_LIST} GROUP BY file_id`
const COUNTED = `SELECT file_id, parent_id, class_id, copies, size, held, sites, elsewhere FROM stat_file WHERE file_id IN ${IN_LIST}`

const each = (sql: string) => (ids: readonly FileId[]): Query[] => inLists(ids).map((list) => [sql, list])

export const presentQueries = each(FILES)
export const copiesQueries = each(COPIES)
export const backupsQueries = each(BACKUPS)
/** Of several directories the first, by id. */
export const placesQueries = each(PLACES)
export const countedQueries = each(COUNTED)

export function remove(tx: Transaction, ids: readonly FileId[]): void {
	for (const list of inLists(ids)) tx.write(`DELETE FROM stat_file WHERE file_id IN ${IN_LIST}`, list)
}

export function insert(tx: Transaction, rows: readonly CountedFile[]): void {
	insertRows(tx, 'INSERT INTO stat_file (file_id, parent_id, class_id, copies, size, held, sites, elsewhere)', '(?,?,?,?,?,?,?,?)', rows, (values, at, row) => {
		values[at] = row.file_id
		values[at + 1] = row.parent_id
		values[at + 2] = row.class_id
		values[at + 3] = row.copies
		values[at + 4] = row.size
		values[at + 5] = row.held
		values[at + 6] = row.sites
		values[at + 7] = row.elsewhere
	})
}

/** One of those that have so many copies: an example. */
export function exampleQuery(classId: number, copies: number): Query {
	return ['SELECT file_id FROM stat_file WHERE class_id = ? AND copies = ? LIMIT 1', [classId, copies]]
}

export function removeBetween(tx: Transaction, after: FileId, last: FileId): void {
	tx.write('DELETE FROM stat_file WHERE file_id > ? AND file_id <= ?', [after, last])
}

export function endQuery(after: FileId, limit: number): Query {
	return endOfPageQuery({ table: 'stat_file', column: 'file_id' }, after, limit)
}
