/** Table `writer`: a client that has a file open for writing, and on which node. */
import type { ClientId, FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IS_ONE } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { textOf } from './texts.ts'

export interface WriterRow {
	client_id: ClientId
	node_id: NodeId
}

const INSERT = textOf(({ insertIgnore }) => `${insertIgnore} INTO writer (file_id, client_id, node_id) VALUES (?,?,?)`)
const INSERT_FIRST = 'INSERT INTO writer (file_id, client_id, node_id) VALUES (?,?,?)'
const REMOVE = 'DELETE FROM writer WHERE file_id = ? AND client_id = ?'

export function ofFileQuery(file: FileId, lock = ''): Query {
	return [`SELECT client_id, node_id FROM writer WHERE file_id = ?${lock}`, [file]]
}

export function insert(tx: Transaction, file: FileId, client: ClientId, node: NodeId, capabilities: Capabilities): void {
	tx.write(INSERT(capabilities), [file, client, node])
}

/** Of a file that is new: nobody can have it open. */
export function insertFirst(tx: Transaction, file: FileId, client: ClientId, node: NodeId): void {
	tx.write(INSERT_FIRST, [file, client, node])
}

export function moveTo(tx: Transaction, file: FileId, client: ClientId, node: NodeId): void {
	tx.write('UPDATE writer SET node_id = ? WHERE file_id = ? AND client_id = ?', [node, file, client])
}

export function removeQuery(file: FileId, client: ClientId): Query {
	return [REMOVE, [file, client]]
}

export function removeAll(tx: Transaction, file: FileId): void {
	tx.write('DELETE FROM writer WHERE file_id = ?', [file])
}

/** By file, those after another. */
export function ofClient(reader: Reader, client: ClientId, after: FileId, limit: number): Maybe<Array<{ file_id: FileId; node_id: NodeId }>> {
	return reader.all(`SELECT file_id, node_id FROM writer WHERE client_id ${IS_ONE} AND file_id > ? ORDER BY client_id, file_id LIMIT ?`, [client, after, limit])
}
