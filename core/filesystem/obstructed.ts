/** Whether something that was decided about a path is yet to be carried out on a node: what is found there may not be what belongs there. */
import type { Reader, Transaction } from '../catalogue/driver.ts'
import * as intents from '../catalogue/intents.ts'
import type { IntentRow } from '../catalogue/intents.ts'
import type { Path } from '../ids.ts'
import { standsInTheWay } from '../in-the-way.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { isDone, touches } from './intents.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

/** A node with this many intents to carry out takes new files again when it has fewer. */
const BACKLOG_ROWS_MAX = 100

/**
 * As `unobstructed`, for who gives the path a new file. The rows of what was done there go in the same transaction: found after a crash, when whatever
 * was to take them away has not, they would be carried out again, on the new file.
 */
export function* clearing(fs: Filesystem, tx: Transaction, nodes: Node[], path: Path): Op<Node[]> {
	const standing = yield* intentsOn(tx, nodes)
	for (const row of standing.flat()) if (isDone(fs, row) && touches(row, [path])) intents.remove(tx, row)
	return nodes.filter((_, i) => isUnobstructed(fs, standing[i], path))
}

/** Leaves out nodes on which an intent stands on the path: the old file of that name may still be there. */
export function* unobstructed(fs: Filesystem, nodes: Node[], path: Path): Op<Node[]> {
	const standing = yield* intentsOn(fs.catalogue, nodes)
	return nodes.filter((_, i) => isUnobstructed(fs, standing[i], path))
}

function* intentsOn(reader: Reader, nodes: readonly Node[]): Op<IntentRow[][]> {
	if (nodes.length === 0) return []
	return (yield* wait(reader.read(...nodes.map((node) => intents.standingQuery(node.id, BACKLOG_ROWS_MAX))))) as IntentRow[][]
}

function isUnobstructed(fs: Filesystem, standing: readonly IntentRow[], path: Path): boolean {
	return standing.length < BACKLOG_ROWS_MAX && !standing.some((row) => !isDone(fs, row) && standsInTheWay(row, path))
}

export function* isObstructed(fs: Filesystem, node: Node, path: Path): Op<boolean> {
	return mayBeObstructed(fs, yield* wait(intents.standing(fs.catalogue, node.id, STANDING_ROWS_MAX)), path)
}

/** By what stands on a node, of which `STANDING_ROWS_MAX` rows were read: where there are so many, the others may be about any path. */
export function mayBeObstructed(fs: Filesystem, standing: readonly IntentRow[], path: Path): boolean {
	return standing.length >= STANDING_ROWS_MAX || standing.some((row) => !isDone(fs, row) && standsInTheWay(row, path))
}
