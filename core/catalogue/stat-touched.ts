/** Table `stat_touched`: files that are to be counted anew. Triggers fill it; see sql/sqlite/0006-stats.sql. */
import type { FileId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IN_LIST, inLists } from './bulk.ts'
import type { Query, Reader, Transaction } from './driver.ts'

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

export function removeAll(tx: Transaction): void {
	tx.write('DELETE FROM stat_touched')
}

export function addAll(tx: Transaction): void {
	tx.write('INSERT INTO stat_touched (file_id) SELECT id FROM file')
}
