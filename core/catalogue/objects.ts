/** Table `object`: files that are also known by an id of another system. They are files like any other, with a path. */
import type { FileId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { FILE_COLUMNS, type FileRow } from './files.ts'

export interface ObjectRow {
	/** The key. */
	id: number
	volume_id: number
	cookie: number
	file_id: FileId
	/** Of the file, for which the checksum holds. */
	version: number
	crc: number
	name: string
	mime: string
	/** JSON. */
	headers: string
}

/** With the file it is, and whether its time is over. */
export type FoundObject = FileRow & {
	key: number
	volume_id: number
	cookie: number
	crc: number
	crc_version: number
	name: string
	mime: string
	headers: string
	expired: number
}

const COLUMNS = ['id', 'volume_id', 'cookie', 'file_id', 'version', 'crc', 'expires', 'name', 'mime', 'headers']

/** Nothing where the file is gone. */
export function findQuery(key: number, { now }: Capabilities): Query {
	return [
		`SELECT ${FILE_COLUMNS}, o.id AS \`key\`, o.volume_id, o.cookie, o.crc, o.version AS crc_version, o.name, o.mime, o.headers,
			CASE WHEN o.expires <= ${now} THEN 1 ELSE 0 END AS expired FROM object o JOIN file f ON f.id = o.file_id WHERE o.id = ?`,
		[key],
	]
}

/** For ever where `lastsSeconds` is 0. */
export function set(tx: Transaction, row: ObjectRow, lastsSeconds: number, { now, replace }: Capabilities): void {
	const { id, volume_id, cookie, file_id, version, crc, name, mime, headers } = row
	const expires = lastsSeconds === 0 ? 'NULL' : `${now} + ?`
	const values = [id, volume_id, cookie, file_id, version, crc, ...(lastsSeconds === 0 ? [] : [lastsSeconds]), name, mime, headers]
	tx.write(`INSERT INTO object (${COLUMNS.join(', ')}) VALUES (?,?,?,?,?,?,${expires},?,?,?) ${replace('id', COLUMNS.slice(1))}`, values)
}

/** Other content has its name now, and it is that which the id means; what its checksum is nobody has reckoned. */
export function follow(tx: Transaction, from: FileId, to: FileId): void {
	tx.write('UPDATE object SET file_id = ?, version = 0 WHERE file_id = ?', [to, from])
}

/** The file goes, and its id of the other system with it. */
export function removeOfFile(tx: Transaction, file: FileId): void {
	tx.write('DELETE FROM object WHERE file_id = ?', [file])
}

/** Not where somebody has uploaded to it again meanwhile. */
export function removeExpired(tx: Transaction, key: number, { now }: Capabilities): void {
	tx.write(`DELETE FROM object WHERE id = ? AND expires <= ${now}`, [key])
}

/** Whether there is any: asked often, and one look at the index. */
export function anyExpired(reader: Reader, { now }: Capabilities): Maybe<unknown> {
	return reader.get(`SELECT 1 AS found FROM object WHERE expires <= ${now} LIMIT 1`)
}

/** Those whose time was over first. */
export function expired(reader: Reader, limit: number, { now }: Capabilities): Maybe<Array<{ id: number; file_id: FileId }>> {
	return reader.all(`SELECT id, file_id FROM object WHERE expires <= ${now} ORDER BY expires, id LIMIT ?`, [limit])
}

/** By key, those after `after`: for whoever counts them all. */
export function page(reader: Reader, after: number, limit: number): Maybe<Array<{ id: number; volume_id: number; size: number }>> {
	return reader.all('SELECT o.id, o.volume_id, f.size FROM object o JOIN file f ON f.id = o.file_id WHERE o.id > ? ORDER BY o.id LIMIT ?', [after, limit])
}
