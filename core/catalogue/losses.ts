/** What stands in the catalogue about a node whose tree was lost. */
import type { ClientId, NodeId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import * as carried from './carried.ts'
import type { Reader, Transaction } from './driver.ts'

/** What was still to be carried out, or done once more, concerns bytes that are gone. True when there may be more than `limit`. */
export function* forgetIntents(tx: Transaction, node: NodeId, limit: number): Op<boolean> {
	const rows = yield* wait(tx.all<{ id: number }>('SELECT id FROM intent WHERE node_id = ? ORDER BY id LIMIT ?', [node, limit]))
	carried.removeAll(tx, node)
	if (rows.length > 0) tx.write('DELETE FROM intent WHERE node_id = ? AND id <= ?', [node, rows[rows.length - 1].id])
	return rows.length === limit
}

/** Clients that have files open for writing there. */
export function writersOn(reader: Reader, node: NodeId): Maybe<Array<{ client_id: ClientId; files: number }>> {
	return reader.all('SELECT client_id, COUNT(*) AS files FROM writer WHERE node_id = ? GROUP BY client_id', [node])
}
