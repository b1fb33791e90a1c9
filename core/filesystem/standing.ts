/** What stands on a node, for all who decide with one commit: read for the first of them, and what they add is added to it. */
import type { Transaction } from '../catalogue/driver.ts'
import type { Intent, IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import type { ClientId, NodeId } from '../ids.ts'
import { type Op, wait } from '../op.ts'

/** As many as are read; where there are so many there may be more. */
export const STANDING_ROWS_MAX = 10_000
/** One that was added has no number that is known, and needs none: nobody removes what is under way. */
const NO_ID = 0

const known = new WeakMap<object, Map<NodeId, IntentRow[]>>()

export function* standingOn(tx: Transaction, node: NodeId): Op<readonly IntentRow[]> {
	const nodes = known.get(tx.commit) ?? new Map<NodeId, IntentRow[]>()
	known.set(tx.commit, nodes)
	const rows = nodes.get(node) ?? (yield* wait(intents.standing(tx, node, STANDING_ROWS_MAX)))
	nodes.set(node, rows)
	return rows
}

/** Written down in this transaction. Should it be taken back, the others with its commit wait for nothing, once. */
export function nowStanding(tx: Transaction, client: ClientId, list: readonly Intent[]): void {
	const nodes = known.get(tx.commit)
	if (!nodes) return
	for (const { nodeId, op, path, toPath, fileId, token } of list) {
		const rows = nodes.get(nodeId)
		if (rows && rows.length < STANDING_ROWS_MAX) rows.push({ id: NO_ID, node_id: nodeId, op, path, to_path: toPath, file_id: fileId, client_id: client, token })
	}
}
