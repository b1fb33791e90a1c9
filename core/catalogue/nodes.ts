/** Table `node`: the storage servers and what the keeper said of them. Running clients hear of every change to that from the journal. */
import type { NodeId } from '../ids.ts'
import type { Maybe, Op } from '../op.ts'
import { wait } from '../op.ts'
import type { NodeRow, NodeState } from '../nodes/node.ts'
import * as carried from './carried.ts'
import * as changes from './changes.ts'
import * as moves from './moves.ts'
import * as settings from './settings.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export const NODE_STATES: readonly NodeState[] = ['rw', 'nc', 'ro', 'drain', 'down', 'dead']
export const NODE_IO: readonly NodeRow['io'][] = ['auto', 'passthrough', 'carried']

const COLUMNS = 'id, name, path, zone, state, since, uuid, io, capacity, free, reserve, weight, seen_at'

/** What a keeper decides about a node; the rest is found out. */
export type NodeSettings = Pick<NodeRow, 'path' | 'zone' | 'state' | 'io' | 'reserve' | 'weight'>

export function list(reader: Reader): Maybe<NodeRow[]> {
	return reader.all<NodeRow>(...listQuery())
}

export function listQuery(): Query {
	return [`SELECT ${COLUMNS} FROM node ORDER BY id`, []]
}

/** Those that will be used again. */
export function living(reader: Reader): Maybe<Array<Pick<NodeRow, 'id'>>> {
	return reader.all(...livingQuery())
}

export function livingQuery(): Query {
	return ["SELECT id FROM node WHERE state <> 'dead' ORDER BY id", []]
}

export function findByName(reader: Reader, name: string): Maybe<NodeRow | undefined> {
	return reader.get<NodeRow>(`SELECT ${COLUMNS} FROM node WHERE name = ?`, [name])
}

/** The keeper is none of the clients. */
const KEEPER = 0

function tell(tx: Transaction, capabilities: Capabilities): void {
	changes.insert(tx, KEEPER, { op: 'node' }, capabilities)
}

/** Whatever is kept of a node by its number (how far a walk came, what was found there) is not another's. */
const NEXT_ID = 'next_node_id'

/** Nodes are never so many that two are added in one moment without the lock. */
function* nextId(tx: Transaction, lock: string): Op<NodeId> {
	const [highest] = yield* wait(tx.all<{ id: NodeId }>(`SELECT id FROM node ORDER BY id DESC LIMIT 1${lock}`))
	const kept = yield* wait(settings.find(tx, NEXT_ID))
	return Math.max((highest?.id ?? 0) + 1, Number(kept?.value ?? 1))
}

export function* insert(tx: Transaction, node: NodeSettings & Pick<NodeRow, 'name' | 'uuid'>, capabilities: Capabilities): Op<NodeId> {
	const { now, forUpdate } = capabilities
	const id = yield* nextId(tx, forUpdate)
	tx.write(`INSERT INTO node (id, name, path, zone, state, since, uuid, io, reserve, weight) VALUES (?,?,?,?,?,${now},?,?,?,?)`, [
		id, node.name, node.path, node.zone, node.state, node.uuid, node.io, node.reserve, node.weight,
	])
	tell(tx, capabilities)
	return id
}

/** `since` moves only when the state does. */
export function update(tx: Transaction, id: NodeId, node: NodeSettings, capabilities: Capabilities): void {
	tx.write(`UPDATE node SET since = CASE WHEN state = ? THEN since ELSE ${capabilities.now} END, path = ?, zone = ?, io = ?, reserve = ?, weight = ? WHERE id = ?`, [
		node.state, node.path, node.zone, node.io, node.reserve, node.weight, id,
	])
	tx.write('UPDATE node SET state = ? WHERE id = ?', [node.state, id])
	tell(tx, capabilities)
}

/** It has another directory from now on, and the one it had is another node's should it ever turn up again. */
export function giveTree(tx: Transaction, id: NodeId, { uuid, path }: Pick<NodeRow, 'uuid' | 'path'>, capabilities: Capabilities): void {
	tx.write('UPDATE node SET uuid = ?, path = ? WHERE id = ?', [uuid, path, id])
	tell(tx, capabilities)
}

/** What was last seen of its disk. */
export function seen(tx: Transaction, id: NodeId, space: { capacity: number; free: number }, { now }: Capabilities): void {
	tx.write(`UPDATE node SET capacity = ?, free = ?, seen_at = ${now} WHERE id = ?`, [space.capacity, space.free, id])
}

/** Anything that says a file is there, or that something is still to be done there. */
export function inUse(reader: Reader, id: NodeId): Maybe<unknown | undefined> {
	return reader.get(
		'SELECT 1 AS used WHERE EXISTS (SELECT 1 FROM replica WHERE node_id = ?) OR EXISTS (SELECT 1 FROM intent WHERE node_id = ?)',
		[id, id],
	)
}

/**
 * To be called first of all in a transaction that takes nodes away, or declares them dead: what others have put there by then is seen, and who
 * wants to put something there afterwards finds out, however long he has heard of nothing (core/filesystem/nodes.ts).
 */
export function* keepOthersOff(tx: Transaction, capabilities: Capabilities): Op<void> {
	yield* wait(tx.read(moves.aloneQuery(capabilities)))
	moves.add(tx)
}

export function* remove(tx: Transaction, id: NodeId, capabilities: Capabilities): Op<void> {
	settings.set(tx, NEXT_ID, String(yield* nextId(tx, capabilities.forUpdate)), capabilities)
	tx.write('DELETE FROM node WHERE id = ?', [id])
	carried.removeAll(tx, id)
	tell(tx, capabilities)
}
