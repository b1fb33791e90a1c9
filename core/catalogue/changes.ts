/** Table `change`: the journal of everything that happened to the tree, read by every client and door. */
import type { ClientId, FileId, Name } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction, Value } from './driver.ts'
import { textOf } from './texts.ts'

export type ChangeOp =
	| 'create'
	| 'mkdir'
	| 'link'
	| 'unlink'
	| 'rmdir'
	| 'rename'
	/** A directory: every path below it is another. */
	| 'renamedir'
	| 'exchange'
	| 'publish'
	| 'attributes'
	| 'xattr'
	| 'client'
	| 'node'
	| 'class'

export interface Change {
	op: ChangeOp
	parent?: FileId
	name?: Name
	file?: FileId
	/** rename, renamedir, exchange: the other place, as `placeDetail` writes it. */
	detail?: Buffer
}

export interface ChangeRow {
	seq: number
	client_id: ClientId
	op: ChangeOp
	parent_id: FileId | null
	name: Uint8Array | null
	file_id: FileId | null
	detail: Uint8Array | null
}

const LINES = 'SELECT seq, client_id, op, parent_id, name, file_id, detail FROM `change`'
const SINCE = `${LINES} WHERE seq > ? ORDER BY seq LIMIT ?`
const UNSEEN = `${LINES} WHERE seq > ? AND (seq > ? OR seq IN ${IN_LIST}) ORDER BY seq LIMIT ?`

const INSERT_INTO = 'INSERT INTO `change` (at, client_id, op, parent_id, name, file_id, detail)'
const INSERTED = textOf(({ now }) => `(${now},?,?,?,?,?,?)`)
const INSERT = textOf((capabilities) => `${INSERT_INTO} VALUES ${INSERTED(capabilities)}`)

export function insert(tx: Transaction, client: ClientId, change: Change, capabilities: Capabilities): void {
	tx.write(INSERT(capabilities), valuesOf(client, change))
}

export function insertAll(tx: Transaction, client: ClientId, list: readonly Change[], capabilities: Capabilities): void {
	insertRows(tx, INSERT_INTO, INSERTED(capabilities), list, (values, at, change) => {
		for (const value of valuesOf(client, change)) values[at++] = value
	})
}

function valuesOf(client: ClientId, { op, parent, name, file, detail }: Change): Value[] {
	return [client, op, parent ?? null, name ?? null, file ?? null, detail ?? null]
}

export function sinceQuery(seq: number, limit: number): Query {
	return [SINCE, [seq, limit]]
}

/** After a number `low` those that come after `high`, and few in between: the others were seen. */
export function unseenQuery({ low, high, missing }: { low: number; high: number; missing: readonly number[] }, limit: number): Query {
	const [list] = inLists(missing)
	return [UNSEEN, [low, high, ...list, limit]]
}

export interface DoubtsRow {
	/** The last one's; null where there are none. */
	seq: number | null
	/** Whether others moved directories. */
	moved: number | null
	/** Whether nodes were changed, or taken away. */
	nodes: number | null
}

/** The changes after a number, as far as paths that were put together before, or what is known of nodes, may be wrong now. */
export function doubtsQuery(seq: number, own: ClientId): Query {
	return [
		"SELECT MAX(seq) AS seq, MAX(op IN ('renamedir', 'exchange') AND COALESCE(client_id, 0) <> ?) AS moved, MAX(op = 'node') AS nodes FROM `change` WHERE seq > ?",
		[own, seq],
	]
}

/** The same as sinceQuery with how long ago each was, in seconds. */
export function withAge(reader: Reader, seq: number, limit: number, { now }: Capabilities): Maybe<Array<ChangeRow & { age: number }>> {
	return reader.all(`SELECT seq, client_id, op, parent_id, name, file_id, detail, ${now} - at AS age FROM \`change\` WHERE seq > ? ORDER BY seq LIMIT ?`, [seq, limit])
}

export function last(reader: Reader): Maybe<{ seq: number | null } | undefined> {
	return reader.get(...lastQuery())
}

/** The newest that is older than so many seconds, and all that came since: what is missing among them may still come. A server that had to compare would read them all. */
export function lately(reader: Reader, seconds: number, { now }: Capabilities): Maybe<Array<{ seq: number }>> {
	return reader.all(
		`SELECT c.seq FROM (
			SELECT COALESCE(MAX(seq), 0) AS seq FROM (SELECT seq FROM \`change\` WHERE at < ${now} - ? ORDER BY seq DESC LIMIT 1) older
		) edge JOIN \`change\` c ON c.seq >= edge.seq ORDER BY c.seq`,
		[seconds],
	)
}

/** With its time, and the database's. */
export type DatedChangeRow = ChangeRow & { at: number; now: number }

export function datedAfter(reader: Reader, seq: number, limit: number, { now }: Capabilities): Maybe<DatedChangeRow[]> {
	return reader.all<DatedChangeRow>(
		`SELECT seq, at, client_id, op, parent_id, name, file_id, detail, ${now} AS now FROM \`change\` WHERE seq > ? ORDER BY seq LIMIT ?`,
		[seq, limit],
	)
}

/** The newest line that is older than a moment: numbers and times grow together, so the search ends at the first. */
export function lastBefore(reader: Reader, seconds: number): Maybe<{ seq: number } | undefined> {
	return reader.get('SELECT seq FROM `change` WHERE at < ? ORDER BY seq DESC LIMIT 1', [seconds])
}

export function beforeEnd(reader: Reader, lines: number): Maybe<{ seq: number } | undefined> {
	return reader.get('SELECT seq FROM `change` ORDER BY seq DESC LIMIT 1 OFFSET ?', [lines])
}

/** How many lines about files come after a number, up to a limit. */
export function ofFilesAfterQuery(seq: number, limit: number): Query {
	return ['SELECT COUNT(*) AS many FROM (SELECT seq FROM `change` WHERE seq > ? AND file_id IS NOT NULL LIMIT ?) t', [seq, limit]]
}

export function lastQuery(): Query {
	return ['SELECT MAX(seq) AS seq FROM `change`', []]
}

/** The oldest rows, with their age in seconds; the newest row of all is never among them, so that numbers go on from it. */
export function oldest(reader: Reader, limit: number, { now }: Capabilities): Maybe<Array<{ seq: number; age: number }>> {
	return reader.all(`SELECT seq, ${now} - at AS age FROM \`change\` WHERE seq < (SELECT MAX(seq) FROM \`change\`) ORDER BY seq LIMIT ?`, [limit])
}

export function removeUpTo(tx: Transaction, seq: number): void {
	tx.write('DELETE FROM `change` WHERE seq <= ?', [seq])
}

/** A directory and a name in it as one value. */
export function placeDetail(parent: FileId, name: Name): Buffer {
	return Buffer.concat([Buffer.from(`${parent}:`), name])
}

export function readPlaceDetail(detail: Uint8Array): { parent: FileId; name: Name } {
	const bytes = Buffer.from(detail.buffer, detail.byteOffset, detail.byteLength)
	const colon = bytes.indexOf(0x3a)
	return { parent: Number(bytes.toString('latin1', 0, colon)), name: bytes.subarray(colon + 1) }
}
