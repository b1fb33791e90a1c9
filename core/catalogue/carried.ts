/** Table `carried`: changes that were carried out on a node's tree and may not be on its disk yet. */
import type { ClientId, FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import type { Intent, IntentOp } from './intents.ts'
import { textOf } from './texts.ts'

export interface CarriedRow {
	seq: number
	op: IntentOp
	path: Uint8Array
	to_path: Uint8Array | null
	file_id: FileId
	token: number
	/** As `NodeOperations.inode` tells it. */
	inode: string
}

/** Whose it is, and its place among his. */
export interface Turn {
	client: ClientId
	seq: number
}

const INSERT = textOf(
	({ insertIgnore }) => `${insertIgnore} INTO carried (client_id, seq, node_id, op, path, to_path, file_id, token, inode) VALUES (?,?,?,?,?,?,?,?,?)`,
)

/** A transaction of which nobody heard whether it was made is made again. */
export function insertQuery({ client, seq }: Turn, { nodeId, op, path, toPath, fileId, token }: Intent, inode: string, capabilities: Capabilities): Query {
	return [INSERT(capabilities), [client, seq, nodeId, op, path, toPath, fileId, token, inode]]
}

/** The first client after another that has any. */
export function clientAfter(reader: Reader, client: ClientId): Maybe<{ client_id: ClientId } | undefined> {
	return reader.get('SELECT client_id FROM carried WHERE client_id > ? ORDER BY client_id LIMIT 1', [client])
}

export function ofClient(reader: Reader, { client, seq }: Turn, node: NodeId, limit: number): Maybe<CarriedRow[]> {
	return reader.all<CarriedRow>(
		'SELECT seq, op, path, to_path, file_id, token, inode FROM carried WHERE client_id = ? AND seq > ? AND node_id = ? ORDER BY seq LIMIT ?',
		[client, seq, node, limit],
	)
}

/** Of whomever: what is at these paths may yet be needed. */
export function onNode(reader: Reader, node: NodeId): Maybe<Array<Pick<CarriedRow, 'path'>>> {
	return reader.all('SELECT path FROM carried WHERE node_id = ?', [node])
}

/** What a client had carried out on a node up to then is on its disk. */
export function removeQuery({ client, seq }: Turn, node: NodeId): Query {
	return ['DELETE FROM carried WHERE client_id = ? AND seq <= ? AND node_id = ?', [client, seq, node]]
}

/** The node is gone, with all that was on it. */
export function removeAll(tx: Transaction, node: NodeId): void {
	tx.write('DELETE FROM carried WHERE node_id = ?', [node])
}
