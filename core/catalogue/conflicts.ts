/** Table `conflict`: what was found on a node and could not be what the catalogue says, kept aside for the keeper to decide. */
import type { FileId, NodeId, Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

/** differs: not the known content. damaged: it was that once, by its size and times. stray: nothing is known of that name. */
export type ConflictReason = 'differs' | 'damaged' | 'stray'

export interface Conflict {
	nodeId: NodeId
	/** Where it stood. */
	path: Path
	/** Where it is kept on the node; null: it was left where it stood. */
	aside: Path | null
	/** What the catalogue has under that path; 0: nothing. */
	fileId: FileId
	reason: ConflictReason
	size: number
	mtime: number
}

export interface ConflictRow {
	id: number
	node_id: NodeId
	path: Uint8Array
	aside: Uint8Array | null
	file_id: FileId
	reason: ConflictReason
	size: number
	mtime: number
	found: number
}

const COLUMNS = 'id, node_id, path, aside, file_id, reason, size, mtime, found'

export function insertQuery({ nodeId, path, aside, fileId, reason, size, mtime }: Conflict, { now }: Capabilities): Query {
	return [
		`INSERT INTO conflict (node_id, path, aside, file_id, reason, size, mtime, found) VALUES (?,?,?,?,?,?,?,${now})`,
		[nodeId, path, aside, fileId, reason, size, mtime],
	]
}

export function insert(tx: Transaction, conflict: Conflict, capabilities: Capabilities): void {
	tx.write(...insertQuery(conflict, capabilities))
}

/** By id, those after `after`. */
export function list(reader: Reader, after: number, limit: number): Maybe<ConflictRow[]> {
	return reader.all<ConflictRow>(`SELECT ${COLUMNS} FROM conflict WHERE id > ? ORDER BY id LIMIT ?`, [after, limit])
}

/** The latest, newest first. */
export function latest(reader: Reader, limit: number): Maybe<ConflictRow[]> {
	return reader.all<ConflictRow>(`SELECT ${COLUMNS} FROM conflict ORDER BY id DESC LIMIT ?`, [limit])
}

/** Where on a node something is kept. */
export function asidesQuery(node: NodeId): Query {
	return ['SELECT aside FROM conflict WHERE node_id = ? AND aside IS NOT NULL', [node]]
}

/** One that was left where it stood. */
export function inPlaceQuery(node: NodeId, path: Path): Query {
	return ['SELECT id FROM conflict WHERE node_id = ? AND path = ? AND aside IS NULL', [node, path]]
}

export function find(reader: Reader, id: number, lock = ''): Maybe<ConflictRow | undefined> {
	return reader.get<ConflictRow>(`SELECT ${COLUMNS} FROM conflict WHERE id = ?${lock}`, [id])
}

export function remove(tx: Transaction, id: number): void {
	tx.write('DELETE FROM conflict WHERE id = ?', [id])
}
