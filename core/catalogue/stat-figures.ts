/** Tables `stat_copies` and `stat_node`: files by class and number of copies, copies by node, class and state. */
import type { NodeId } from '../ids.ts'
import type { Capabilities, Query, Transaction } from './driver.ts'
import type { Amount } from './holdings.ts'

export interface CopiesRow extends Amount {
	class_id: number
	copies: number
}

export interface NodeFiguresRow extends Amount {
	node_id: NodeId
	class_id: number
	/** As in replica. */
	state: number
}

export function copiesQuery(): Query {
	return ['SELECT class_id, copies, files, bytes FROM stat_copies WHERE files > 0 ORDER BY class_id, copies', []]
}

export function nodesQuery(): Query {
	return ['SELECT node_id, class_id, state, files, bytes FROM stat_node WHERE files > 0 ORDER BY node_id, class_id, state', []]
}

export function addToCopies(tx: Transaction, { class_id, copies, files, bytes }: CopiesRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_copies (class_id, copies, files, bytes) VALUES (?,?,0,0)`, [class_id, copies])
	tx.write('UPDATE stat_copies SET files = files + ?, bytes = bytes + ? WHERE class_id = ? AND copies = ?', [files, bytes, class_id, copies])
}

export function addToNode(tx: Transaction, { node_id, class_id, state, files, bytes }: NodeFiguresRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_node (node_id, class_id, state, files, bytes) VALUES (?,?,?,0,0)`, [node_id, class_id, state])
	tx.write('UPDATE stat_node SET files = files + ?, bytes = bytes + ? WHERE node_id = ? AND class_id = ? AND state = ?', [
		files, bytes, node_id, class_id, state,
	])
}

export function removeAll(tx: Transaction): void {
	tx.write('DELETE FROM stat_copies')
	tx.write('DELETE FROM stat_node')
}
