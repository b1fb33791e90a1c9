/**
 * A copy whose disk has refused what was written to it. What it holds now nobody can say: some of the new, some of the old. It is in
 * doubt, and not read any more, until verify has read it. Copies of the file as it was before the writing decide where there are any;
 * a version nobody else has stays this copy's, in doubt as it is.
 */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as proofs from '../catalogue/proofs.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import type { FileId, NodeId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import type { OpenFile } from './open-files.ts'

interface Doubted {
	row: FileRow
	/** The row, were what is on the node its content. */
	next: FileRow
	copies: readonly ReplicaRow[]
	nodeId: NodeId
}

/** The file's row from then on. */
export function distrust(fs: Filesystem, tx: Transaction, { row, next, copies, nodeId }: Doubted): FileRow {
	const { id } = row
	const own = copies.find((copy) => copy.node_id === nodeId)
	const isNext = !isElsewhere(fs, row, copies, nodeId) && !isSameContent(row, next)
	// Of an older version it is to be replaced anyway.
	if (!isNext && own?.version !== row.version) return row
	proofs.demote(tx, { file: id, node: nodeId }, REPLICA.suspect)
	changes.insert(tx, fs.client, { op: 'publish', file: id }, fs.capabilities)
	if (!isNext) return row
	files.setContent(tx, next)
	replicas.setVersion(tx, id, nodeId, next.version)
	replicas.setOthersWanted(tx, id, nodeId)
	return next
}

/** On a node that may come back: one that was given up is not among these. */
function isElsewhere(fs: Filesystem, { version }: FileRow, copies: readonly ReplicaRow[], apart: NodeId): boolean {
	return version > 0 && copies.some((copy) => copy.node_id !== apart && copy.state === REPLICA.good && copy.version === version && fs.nodes.has(copy.node_id))
}

function isSameContent(row: FileRow, next: FileRow): boolean {
	return row.version > 0 && row.size === next.size && row.mtime === next.mtime && row.mtime_ns === next.mtime_ns
}

/** Of a file that is not being written here. */
export function* distrustRead(fs: Filesystem, tx: Transaction, { id, node }: OpenFile): Op<void> {
	yield* distrustCopy(fs, tx, id, node.id)
}

/** False where there is no good copy of what the file is now. */
export function* distrustCopy(fs: Filesystem, tx: Transaction, id: FileId, nodeId: NodeId): Op<boolean> {
	const [[row], copies] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), replicas.ofFileQuery(id)))) as [FileRow[], ReplicaRow[]]
	const isGood = copies.some((copy) => copy.node_id === nodeId && copy.version === row?.version && copy.state === REPLICA.good)
	if (row) distrust(fs, tx, { row, next: row, copies, nodeId })
	return isGood
}
