/** What is in the tree and what is still to be done. Counted when asked: no counter can drift. */
import { type Maybe, isPromise, type Op, wait } from '../op.ts'
import { type FileId, type NodeId, ROOT_ID } from '../ids.ts'
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

/** Null where there are none. */
interface TreeRow {
	files: number | string | null
	directories: number | string | null
	bytes: number | string | null
	last: FileId | null
}

/** Counted at once: no question takes longer than a database may. */
const COUNTED_ROWS = 50_000
const TREE = `SELECT SUM(CASE WHEN nlink > 0 AND kind <> ${KIND.directory} THEN 1 ELSE 0 END) AS files,
	SUM(CASE WHEN nlink > 0 AND kind = ${KIND.directory} THEN 1 ELSE 0 END) AS directories,
	SUM(CASE WHEN nlink > 0 AND kind = ${KIND.regular} THEN size ELSE 0 END) AS bytes, MAX(id) AS last
	FROM (SELECT id, kind, nlink, size FROM file WHERE id > ? ORDER BY id LIMIT ?) page`

/** Each row is looked at. The root is not counted. */
export function* countTree(reader: Reader): Op<Below> {
	const total = { files: 0, directories: 0, bytes: 0 }
	for (let after: FileId | null = ROOT_ID; after !== null; ) {
		const row: TreeRow | undefined = yield* wait(reader.get<TreeRow>(TREE, [after, COUNTED_ROWS]))
		for (const what of ['files', 'directories', 'bytes'] as const) total[what] += Number(row?.[what] ?? 0)
		after = row?.last ?? null
	}
	return total
}
