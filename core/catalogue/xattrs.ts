/** Table `xattr`: extended attributes. `file.flags` says whether a file has any, so that most questions need no query. */
import type { FileId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { insertRows } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export function findQuery(file: FileId, name: Uint8Array): Query {
	return ['SELECT value FROM xattr WHERE file_id = ? AND name = ?', [file, name]]
}

export interface XattrRow {
	file_id: FileId
	name: Uint8Array
	value: Uint8Array
}

export function ofFileQuery(file: FileId): Query {
	return ['SELECT file_id, name, value FROM xattr WHERE file_id = ?', [file]]
}

/** Of files that had none. */
export function insertAll(tx: Transaction, rows: readonly XattrRow[]): void {
	insertRows(tx, 'INSERT INTO xattr (file_id, name, value)', '(?,?,?)', rows, (values, at, { file_id, name, value }) => {
		values[at] = file_id
		values[at + 1] = name
		values[at + 2] = value
	})
}

export function names(reader: Reader, file: FileId): Maybe<Array<{ name: Uint8Array }>> {
	return reader.all('SELECT name FROM xattr WHERE file_id = ? ORDER BY name', [file])
}

export function countQuery(file: FileId): Query {
	return ['SELECT COUNT(*) AS count FROM xattr WHERE file_id = ?', [file]]
}

export function set(tx: Transaction, file: FileId, name: Uint8Array, value: Uint8Array, capabilities: Capabilities): void {
	tx.write(`INSERT INTO xattr (file_id, name, value) VALUES (?,?,?) ${capabilities.replace('file_id, name', ['value'])}`, [
		file, name, value,
	])
}

export function remove(tx: Transaction, file: FileId, name: Uint8Array): void {
	tx.write('DELETE FROM xattr WHERE file_id = ? AND name = ?', [file, name])
}

export function removeAll(tx: Transaction, file: FileId): void {
	tx.write('DELETE FROM xattr WHERE file_id = ?', [file])
}

/** Lets a program do what root may: it is of the content it was set for (capabilities(7)). */
export const CAPABILITY = Buffer.from('security.capability')

/** To a file that has none, and other content or another owner. */
export function copyToOther(tx: Transaction, from: FileId, to: FileId): void {
	tx.write('INSERT INTO xattr (file_id, name, value) SELECT ?, name, value FROM xattr WHERE file_id = ? AND name <> ?', [to, from, CAPABILITY])
}

/** To a file that has none. */
export function copyAll(tx: Transaction, from: FileId, to: FileId): void {
	tx.write('INSERT INTO xattr (file_id, name, value) SELECT ?, name, value FROM xattr WHERE file_id = ?', [to, from])
}
