/** Table `replica`: one node's copy of one file. */
import type { FileId, NodeId } from '../ids.ts'
import type { Query, Transaction } from './driver.ts'

export const REPLICA = { good: 1, wanted: 2, suspect: 3, surplus: 4 } as const

export interface ReplicaRow {
	node_id: NodeId
	version: number
	state: number
}

const OF_FILE = 'SELECT node_id, version, state FROM replica WHERE file_id = ?'

export function ofFileQuery(file: FileId): Query {
	return [OF_FILE, [file]]
}

export function insert(tx: Transaction, file: FileId, node: NodeId, version: number, state: number): void {
	tx.write('INSERT INTO replica (file_id, node_id, version, state) VALUES (?,?,?,?)', [file, node, version, state])
}

/** This node's copy is now the file's content at `version`. */
export function setGood(tx: Transaction, file: FileId, node: NodeId, version: number): void {
	tx.write('UPDATE replica SET version = ?, state = 1, verified_at = NULL WHERE file_id = ? AND node_id = ?', [version, file, node])
}

/** Every other copy is of an older version and is to be replaced. */
export function setOthersWanted(tx: Transaction, file: FileId, node: NodeId): void {
	tx.write('UPDATE replica SET state = 2 WHERE file_id = ? AND node_id <> ? AND state IN (1, 3)', [file, node])
}

/** Only while the file is being created: the first copy goes to another node than was tried. */
export function moveTo(tx: Transaction, file: FileId, from: NodeId, to: NodeId): void {
	tx.write('UPDATE replica SET node_id = ? WHERE file_id = ? AND node_id = ?', [to, file, from])
}

export function setState(tx: Transaction, file: FileId, node: NodeId, state: number): void {
	tx.write('UPDATE replica SET state = ? WHERE file_id = ? AND node_id = ?', [state, file, node])
}

export function removeAll(tx: Transaction, file: FileId): void {
	tx.write('DELETE FROM replica WHERE file_id = ?', [file])
}
