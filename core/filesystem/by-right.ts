/** Whose a path is on a node as the node is now: what it has yet to be told moves it on first, then the tree says. */
import type { Reader } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import type { FileId, NodeId, Path } from '../ids.ts'
import { covers } from '../in-the-way.ts'
import { type Op, wait } from '../op.ts'
import { fileAt } from '../stats/paths.ts'
import type { Filesystem } from './filesystem.ts'
import { hasPlainCopies } from './remove.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

/** Not to be told: what stands there may be somebody's. */
export const ANYBODY = 'anybody'

/** Undefined where it is nobody's. A file's where it has a copy on the node; a directory's wherever it is. */
export function* whoseByRight({ catalogue }: Filesystem, node: NodeId, path: Path): Op<FileId | typeof ANYBODY | undefined> {
	const rows = yield* wait(intents.standing(catalogue, node, STANDING_ROWS_MAX))
	if (rows.length === STANDING_ROWS_MAX) return ANYBODY
	const end = afterwards(rows, path)
	if (!('path' in end)) return end.owner
	const id = yield* fileAt(catalogue, end.path)
	const owner = id !== undefined && (yield* mayBeOn(catalogue, id, node)) ? id : undefined
	// Whoever changed the tree in between has left an intent with it, or carried one out.
	const since = yield* wait(intents.standing(catalogue, node, STANDING_ROWS_MAX))
	return since.length === rows.length && since.every((row, at) => row.id === rows[at].id) ? owner : ANYBODY
}

function* mayBeOn(reader: Reader, id: FileId, node: NodeId): Op<boolean> {
	const [[row], copies] = (yield* wait(reader.read(files.findQuery(id), replicas.ofFileQuery(id)))) as [FileRow[], ReplicaRow[]]
	return row !== undefined && (!hasPlainCopies(row) || copies.some((copy) => copy.node_id === node))
}

/** Where it is when all of them are carried out; or whose it was when the first was decided that speaks of it. */
function afterwards(rows: readonly IntentRow[], from: Path): { path: Path } | { owner: FileId | typeof ANYBODY } {
	let path = from
	for (const row of rows) {
		if (row.op !== 'symlink' && path.equals(row.path)) return { owner: row.file_id }
		const moved = movedBy(row, path)
		if (moved === undefined) return { owner: ANYBODY }
		path = moved
	}
	return { path }
}

/** Undefined where something comes to that path, or what is above it goes: who has it before then is known to nobody. */
function movedBy({ op, path: from, to_path: to }: IntentRow, path: Path): Path | undefined {
	const isBelow = covers(from, path)
	if (to === null || op === 'symlink') return isBelow && op !== 'attributes' && op !== 'xattrs' ? undefined : path
	if (isBelow) return op === 'link' ? path : Buffer.concat([to, path.subarray(from.length)])
	if (!covers(to, path)) return path
	return op === 'exchange' ? Buffer.concat([from, path.subarray(to.length)]) : undefined
}
