/** What is in the tree and what is still to be done, for `status`. Counted when asked: no counter can drift. */
import { type Maybe, isPromise } from '../op.ts'
import type { NodeId } from '../ids.ts'
import { KIND } from './files.ts'
import type { Query, Reader } from './driver.ts'
import { REPLICA } from './replicas.ts'

export interface Totals {
	files: number
	directories: number
	bytes: number
	writers: number
	/** Copies to be made or replaced, by node. */
	wanted: Map<NodeId, number>
	intents: Map<NodeId, number>
}

interface ByNode {
	node_id: NodeId
	many: number
}

const QUERIES: Query[] = [
	['SELECT kind, COUNT(*) AS many, SUM(size) AS bytes FROM file WHERE nlink > 0 GROUP BY kind', []],
	['SELECT COUNT(*) AS many FROM writer', []],
	// By node first, so that the index on (node_id, state) answers and the good copies are never looked at.
	[`SELECT n.id AS node_id, (SELECT COUNT(*) FROM replica r WHERE r.node_id = n.id AND r.state = ${REPLICA.wanted}) AS many FROM node n`, []],
	['SELECT node_id, COUNT(*) AS many FROM intent GROUP BY node_id', []],
]

export function totals(reader: Reader): Maybe<Totals> {
	const answers = reader.read(...QUERIES)
	return isPromise(answers) ? answers.then(toTotals) : toTotals(answers)
}

function toTotals([kinds, writers, wanted, intents]: unknown[][]): Totals {
	const rows = kinds as Array<{ kind: number; many: number; bytes: number | string }>
	const directories = rows.find((row) => row.kind === KIND.directory)?.many ?? 0
	return {
		files: rows.reduce((sum, row) => sum + row.many, 0) - directories,
		directories,
		bytes: Number(rows.find((row) => row.kind === KIND.regular)?.bytes ?? 0),
		writers: (writers as ByNode[])[0].many,
		wanted: byNode(wanted as ByNode[]),
		intents: byNode(intents as ByNode[]),
	}
}

function byNode(rows: ByNode[]): Map<NodeId, number> {
	return new Map(rows.map((row) => [row.node_id, row.many]))
}
