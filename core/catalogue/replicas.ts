/** Table `replica`: one node's copy of one file. What is "told" is to come with a line of the journal about the file, in the same transaction. */
import type { FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { insertRows, IS_ONE } from './bulk.ts'
import type { Query, Reader, Transaction } from './driver.ts'
import * as touched from './stat-touched.ts'

export const REPLICA = { good: 1, wanted: 2, suspect: 3, surplus: 4 } as const

export interface ReplicaRow {
	node_id: NodeId
	version: number
	state: number
}

/** There is something on the node, or was: of a copy that is only wanted nothing has come yet. */
export function hasCome({ state, version }: ReplicaRow): boolean {
	return state !== REPLICA.wanted || version > 0
}

const OF_SIBLINGS = `SELECT DISTINCT r.node_id FROM (SELECT file_id FROM entry WHERE parent_id = ? ORDER BY name LIMIT ?) e
	JOIN replica r ON r.file_id = e.file_id`
const OF_FILE = 'SELECT node_id, version, state FROM replica WHERE file_id = ?'

export function ofFileQuery(file: FileId): Query {
	return [OF_FILE, [file]]
}

/** Nodes that have a copy of one of a directory's first entries. */
export function ofSiblings(reader: Reader, parent: FileId, entriesMax: number): Maybe<Array<Pick<ReplicaRow, 'node_id'>>> {
	return reader.all(OF_SIBLINGS, [parent, entriesMax])
}

/** Of files that have a copy on a node in one state, by id: those after another. */
export const PAGE = `SELECT file_id FROM replica WHERE node_id ${IS_ONE} AND state ${IS_ONE} AND file_id > ? ORDER BY node_id, state, file_id LIMIT ?`

/** Whether there is any work of that kind on a node: asked often, so it costs one look at the index. */
export function anyInState(reader: Reader, node: NodeId, state: number): Maybe<unknown> {
	return reader.get('SELECT 1 AS found FROM replica WHERE node_id = ? AND state = ? LIMIT 1', [node, state])
}

/** Told. */
export function insert(tx: Transaction, file: FileId, node: NodeId, version: number, state: number): void {
	tx.write('INSERT INTO replica (file_id, node_id, version, state) VALUES (?,?,?,?)', [file, node, version, state])
}

/** Told. */
export function insertAll(tx: Transaction, rows: ReadonlyArray<ReplicaRow & { file_id: FileId }>): void {
	insertRows(tx, 'INSERT INTO replica (file_id, node_id, version, state)', '(?,?,?,?)', rows, (values, at, { file_id, node_id, version, state }) => {
		values[at] = file_id
		values[at + 1] = node_id
		values[at + 2] = version
		values[at + 3] = state
	})
}

/** One that is to be made. */
export function want(tx: Transaction, file: FileId, node: NodeId): void {
	insert(tx, file, node, 0, REPLICA.wanted)
	touched.add(tx, file)
}

/** This node's copy is now the file's content at `version`. Told. */
export function setGood(tx: Transaction, file: FileId, node: NodeId, version: number): void {
	tx.write('UPDATE replica SET version = ?, state = 1, verified_at = NULL WHERE file_id = ? AND node_id = ?', [version, file, node])
}

/** The same of a copy that is good already: its state stands in an index, which need not be written again. */
export function setVersion(tx: Transaction, file: FileId, node: NodeId, version: number): void {
	tx.write('UPDATE replica SET version = ?, verified_at = NULL WHERE file_id = ? AND node_id = ?', [version, file, node])
}

/** Every other copy is of an older version and is to be replaced. Told. */
export function setOthersWanted(tx: Transaction, file: FileId, node: NodeId): void {
	tx.write('UPDATE replica SET state = 2 WHERE file_id = ? AND node_id <> ? AND state IN (1, 3)', [file, node])
}

/** Only while the file is being created: the first copy goes to another node than was tried. */
export function moveTo(tx: Transaction, file: FileId, from: NodeId, to: NodeId): void {
	tx.write('UPDATE replica SET node_id = ? WHERE file_id = ? AND node_id = ?', [to, file, from])
	touched.add(tx, file)
}

export function setState(tx: Transaction, file: FileId, node: NodeId, state: number): void {
	tx.write('UPDATE replica SET state = ? WHERE file_id = ? AND node_id = ?', [state, file, node])
	touched.add(tx, file)
}

/** The node has nothing that may be read as the file: to be made anew. */
export function setLost(tx: Transaction, file: FileId, node: NodeId): void {
	tx.write('UPDATE replica SET state = 2, version = 0, verified_at = NULL WHERE file_id = ? AND node_id = ?', [file, node])
	touched.add(tx, file)
}

export function remove(tx: Transaction, file: FileId, node: NodeId): void {
	tx.write('DELETE FROM replica WHERE file_id = ? AND node_id = ?', [file, node])
	touched.add(tx, file)
}

/** Told. */
export function removeAll(tx: Transaction, file: FileId): void {
	tx.write('DELETE FROM replica WHERE file_id = ?', [file])
}
