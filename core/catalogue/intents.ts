/** Table `intent`: a change to a node's tree that the catalogue has decided and the node has yet to carry out. */
import type { ClientId, FileId, NodeId, Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { textOf } from './texts.ts'

/** move: a rename that gives way to whatever has the name; only of intents that come from a dump. */
export type IntentOp = 'unlink' | 'rmdir' | 'rename' | 'move' | 'exchange' | 'link' | 'symlink' | 'attributes' | 'xattrs'

/** What it is about is nothing that the catalogue has. */
export const NO_FILE = 0

export interface Intent {
	nodeId: NodeId
	op: IntentOp
	path: Path
	/** rename, move, exchange, link: the other path; symlink: the target. */
	toPath: Buffer | null
	fileId: FileId
	/** The maker's number for the transaction it belongs to. */
	token: number
	/** rename: nothing of ours has that name. Known to its maker only; whoever carries it out later replaces what is there. */
	isNew?: boolean
	/** rename: a copy of ours has that name, and goes also where its successor is yet to come to the node. Known to its maker only: should it be repeated that is there. */
	replaces?: boolean
}

export interface IntentRow {
	id: number
	node_id: NodeId
	op: IntentOp
	path: Uint8Array
	to_path: Uint8Array | null
	file_id: FileId
	/** Null: left to whoever settles the node. */
	client_id: ClientId | null
	token: number
}

const COLUMNS = 'id, node_id, op, path, to_path, file_id, client_id, token'

const INSERT_INTO = 'INSERT INTO intent (node_id, op, path, to_path, file_id, client_id, token, created)'
const INSERTED = textOf(({ now }) => `(?,?,?,?,?,?,?,${now})`)
const INSERT = textOf((capabilities) => `${INSERT_INTO} VALUES ${INSERTED(capabilities)}`)

export function insert(tx: Transaction, client: ClientId | null, intent: Intent, capabilities: Capabilities): void {
	tx.write(INSERT(capabilities), [
		intent.nodeId,
		intent.op,
		intent.path,
		intent.toPath,
		intent.fileId,
		client,
		intent.token,
	])
}

/** Many of one transaction. */
export function insertAll(tx: Transaction, client: ClientId | null, list: readonly Intent[], capabilities: Capabilities): void {
	insertRows(tx, INSERT_INTO, INSERTED(capabilities), list, (values, at, { nodeId, op, path, toPath, fileId, token }) => {
		values[at] = nodeId
		values[at + 1] = op
		values[at + 2] = path
		values[at + 3] = toPath
		values[at + 4] = fileId
		values[at + 5] = client
		values[at + 6] = token
	})
}

/** Those of one node and one transaction. */
export function doneQueries(client: ClientId, list: readonly Intent[]): Query[] {
	const [{ nodeId, token }] = list
	return [...Map.groupBy(list, ({ op }) => op)].flatMap(([op, same]) =>
		inLists(same.map(({ path }) => path)).map((paths): Query => [
			`DELETE FROM intent WHERE node_id = ? AND client_id = ? AND token = ? AND op = ? AND path IN ${IN_LIST}`,
			[nodeId, client, token, op, ...paths],
		]),
	)
}

/** All of one node and one transaction. */
export function doneAllQuery(client: ClientId, { node, token }: { node: NodeId; token: number }): Query {
	return ['DELETE FROM intent WHERE node_id = ? AND client_id = ? AND token = ?', [node, client, token]]
}

const DONE = 'DELETE FROM intent WHERE node_id = ? AND path = ? AND client_id = ? AND token = ? AND op = ?'

/** By what it does and not by id, which the maker never learns: it saves a round trip. A transaction may do several things to a path. */
export function doneQuery(client: ClientId, { nodeId, path, toPath, token, op }: Intent): Query {
	const key = [nodeId, path, client, token, op]
	return toPath === null ? [DONE, key] : [`${DONE} AND to_path = ?`, [...key, toPath]]
}

/** The maker gives it up: whoever settles the node may carry it out. */
export function leaveQuery(client: ClientId, intent: Intent): Query {
	return [
		'UPDATE intent SET client_id = NULL WHERE node_id = ? AND path = ? AND client_id = ? AND token = ?',
		[intent.nodeId, intent.path, client, intent.token],
	]
}

export function standingQuery(node: NodeId, limit: number): Query {
	return [`SELECT ${COLUMNS} FROM intent WHERE node_id = ? ORDER BY id LIMIT ?`, [node, limit]]
}

export function standing(reader: Reader, node: NodeId, limit: number): Maybe<IntentRow[]> {
	return reader.all<IntentRow>(...standingQuery(node, limit))
}

/** The next of them. */
export function standingAfter(reader: Reader, { node_id, id }: IntentRow, limit: number): Maybe<IntentRow[]> {
	return reader.all<IntentRow>(`SELECT ${COLUMNS} FROM intent WHERE node_id = ? AND id > ? ORDER BY id LIMIT ?`, [node_id, id, limit])
}

/** By more than its id: a database may give the id of a row that is gone to another. */
export function remove(tx: Transaction, { id, token, path }: IntentRow): void {
	tx.write('DELETE FROM intent WHERE id = ? AND token = ? AND path = ?', [id, token, path])
}

/** Whether any stand at all: nearly always none do, and one glance spares a question per node. */
export function anyQuery(): Query {
	return ['SELECT 1 AS found FROM intent LIMIT 1', []]
}

/** Nodes on which any stand: one question, however many nodes there are. */
export function nodesWithAny(reader: Reader): Maybe<Array<{ id: NodeId }>> {
	return reader.all('SELECT n.id FROM node n WHERE EXISTS (SELECT 1 FROM intent i WHERE i.node_id = n.id)')
}

/** Those of one transaction, which nobody carries out. */
export function leaveAllWith(tx: Transaction, client: ClientId, token: number): void {
	tx.write('UPDATE intent SET client_id = NULL WHERE client_id = ? AND token = ?', [client, token])
}

/** A client that is gone carries nothing out any more. */
export function leaveAllOf(tx: Transaction, client: ClientId): void {
	tx.write('UPDATE intent SET client_id = NULL WHERE client_id = ?', [client])
}
