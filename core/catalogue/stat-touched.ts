/**
 * Table `stat_touched`: files that are to be counted anew though no line of the journal says so. Whoever changes a copy, a class or
 * what sites hold without writing a line about the file writes a row here, in the same transaction.
 */
import type { FileId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { endOfPageQuery, IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Query, Reader, Transaction, Value } from './driver.ts'

/** A row of `setting`: the figures are to be made from nothing. */
export const ANEW = 'stats_anew'

export interface TouchedRow {
	id: number
	file_id: FileId
}

const OLDEST = 'SELECT id, file_id FROM stat_touched ORDER BY id LIMIT ?'

export function oldest(reader: Reader, limit: number): Maybe<TouchedRow[]> {
	return reader.all<TouchedRow>(OLDEST, [limit])
}

export function anyQuery(): Query {
	return ['SELECT 1 AS found FROM stat_touched LIMIT 1', []]
}

/** How many there are, up to a limit. */
export function waitingQuery(limit: number): Query {
	return ['SELECT COUNT(*) AS many FROM (SELECT id FROM stat_touched LIMIT ?) t', [limit]]
}

/** The numbers it goes from and to: more or less how many there are, for the price of two looks. */
export function spanQuery(): Query {
	return ['SELECT (SELECT MIN(id) FROM stat_touched) AS first, (SELECT MAX(id) FROM stat_touched) AS last', []]
}

export function removeUpTo(tx: Transaction, id: number): void {
	tx.write('DELETE FROM stat_touched WHERE id <= ?', [id])
}

export function remove(tx: Transaction, ids: readonly number[]): void {
	for (const list of inLists(ids)) tx.write(`DELETE FROM stat_touched WHERE id IN ${IN_LIST}`, list)
}

export function add(tx: Transaction, id: FileId): void {
	tx.write('INSERT INTO stat_touched (file_id) VALUES (?)', [id])
}

export function addMany(tx: Transaction, ids: readonly FileId[]): void {
	insertRows(tx, 'INSERT INTO stat_touched (file_id)', '(?)', ids, (values, at, id) => {
		values[at] = id
	})
}

/** `where` is about rows of `backup`. */
export function addOfBackups(tx: Transaction, where: string, params: readonly Value[]): void {
	tx.write(`INSERT INTO stat_touched (file_id) SELECT file_id FROM backup WHERE ${where}`, params)
}

export function removeBetween(tx: Transaction, after: number, last: number): void {
	tx.write('DELETE FROM stat_touched WHERE id > ? AND id <= ?', [after, last])
}

export function endQuery(after: number, limit: number): Query {
	return endOfPageQuery({ table: 'stat_touched' }, after, limit)
}

/** All files there are between two. */
export function addBetween(tx: Transaction, after: FileId, last: FileId): void {
	tx.write('INSERT INTO stat_touched (file_id) SELECT id FROM file WHERE id > ? AND id <= ?', [after, last])
}

export function endOfFilesQuery(after: FileId, limit: number): Query {
	return endOfPageQuery({ table: 'file' }, after, limit)
}
