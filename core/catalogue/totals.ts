/** What is in the tree and what is still to be done. Counted when asked: no counter can drift. */
import { type Maybe, isPromise } from '../op.ts'
import type { NodeId } from '../ids.ts'
import { KIND } from './files.ts'
import type { Query, Reader } from './driver.ts'
import { REPLICA } from './replicas.ts'
import type { Below } from './stat-directories.ts'

export interface Totals {
	writers: number
	/** Copies to be made or replaced, in doubt, and more than are asked for, by node. */
	wanted: Map<NodeId, number>
	suspect: Map<NodeId, number>
	surplus: Map<NodeId, number>
	intents: Map<NodeId, number>
	/** What was found on nodes and waits for the keeper to decide. */
	conflicts: Map<NodeId, number>
}

interface ByNode {
	node_id: NodeId
	many: number
}

const QUERIES: Query[] = [
	['SELECT COUNT(*) AS many FROM writer', []],
	inState(REPLICA.wanted),
	inState(REPLICA.suspect),
	inState(REPLICA.surplus),
	['SELECT node_id, COUNT(*) AS many FROM intent GROUP BY node_id', []],
	['SELECT node_id, COUNT(*) AS many FROM conflict GROUP BY node_id', []],
]

/** By node first, so that the index on (node_id, state) answers and the good copies are never looked at. */
function inState(state: number): Query {
	return [`SELECT n.id AS node_id, (SELECT COUNT(*) FROM replica r WHERE r.node_id = n.id AND r.state = ${state}) AS many FROM node n`, []]
}

export function totals(reader: Reader): Maybe<Totals> {
	const answers = reader.read(...QUERIES)
	return isPromise(answers) ? answers.then(toTotals) : toTotals(answers)
}

function toTotals([writers, wanted, suspect, surplus, intents, conflicts]: unknown[][]): Totals {
	return {
		writers: (writers as ByNode[])[0].many,
		wanted: byNode(wanted as ByNode[]),
		suspect: byNode(suspect as ByNode[]),
		surplus: byNode(surplus as ByNode[]),
		intents: byNode(intents as ByNode[]),
		conflicts: byNode(conflicts as ByNode[]),
	}
}

function byNode(rows: ByNode[]): Map<NodeId, number> {
	return new Map(rows.map((row) => [row.node_id, row.many]))
}

interface KindRow {
	kind: number
	many: number
	bytes: number | string
}

/** Each row is looked at. The root is always there, and is not counted. */
export function countTree(reader: Reader): Maybe<Below> {
	const rows = reader.all<KindRow>('SELECT kind, COUNT(*) AS many, SUM(size) AS bytes FROM file WHERE nlink > 0 GROUP BY kind')
	return isPromise(rows) ? rows.then(toTree) : toTree(rows)
}

function toTree(rows: readonly KindRow[]): Below {
	const directories = rows.find((row) => row.kind === KIND.directory)?.many ?? 1
	return {
		files: rows.reduce((sum, row) => sum + row.many, 0) - directories,
		directories: directories - 1,
		bytes: Number(rows.find((row) => row.kind === KIND.regular)?.bytes ?? 0),
	}
}
