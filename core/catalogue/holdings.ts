/** Files together with their copies, a page at a time: of the whole tree by file, or of one node. */
import type { FileId, NodeId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import type { Query, Reader } from './driver.ts'
import { KIND } from './files.ts'
import type { EntryRow } from './entries.ts'
import { PAGE, REPLICA, type ReplicaRow } from './replicas.ts'

export interface HeldFile {
	id: FileId
	kind: number
	size: number
	version: number
	class_id: number
}

export type HeldCopy = ReplicaRow & { file_id: FileId }

/** Files from one id to another, the first excluded. */
export interface Range {
	after: FileId
	last: FileId
}

const COLUMNS = 'f.id, f.kind, f.size, f.version, f.class_id'

/** By id, those after `after`: files of every kind, so that a page has as many rows as it asks for. */
export function page(reader: Reader, after: FileId, limit: number): Maybe<HeldFile[]> {
	return reader.all(`SELECT ${COLUMNS} FROM file f WHERE f.id > ? ORDER BY f.id LIMIT ?`, [after, limit])
}

export function copiesQuery({ after, last }: Range): Query {
	return ['SELECT file_id, node_id, version, state FROM replica WHERE file_id > ? AND file_id <= ?', [after, last]]
}

export function namesQuery({ after, last }: Range): Query {
	return ['SELECT file_id, parent_id, name FROM entry WHERE file_id > ? AND file_id <= ?', [after, last]]
}

export type HeldName = EntryRow & { file_id: FileId }

/** Of what a node has in one state. */
export function pageOnNode(
	reader: Reader,
	node: NodeId,
	state: number,
	{ after, limit }: { after: FileId; limit: number },
): Maybe<HeldFile[]> {
	return reader.all(
		`SELECT ${COLUMNS} FROM (${PAGE}) r JOIN file f ON f.id = r.file_id ORDER BY f.id`,
		[node, state, after, limit],
	)
}

/** All copies of those files, this node's included. */
export function copiesOnNodeQuery(node: NodeId, state: number, { after, last }: Range): Query {
	return [
		`SELECT o.file_id, o.node_id, o.version, o.state FROM replica r JOIN replica o ON o.file_id = r.file_id
			WHERE r.node_id = ? AND r.state = ? AND r.file_id > ? AND r.file_id <= ?`,
		[node, state, after, last],
	]
}

export interface Amount {
	files: number
	bytes: number
}

interface Counted {
	files: number
	/** A SUM: text on MySQL, null of nothing. */
	bytes: number | string | null
	last: FileId | null
}

const AMOUNT = `SELECT COUNT(*) AS files, SUM(f.size) AS bytes, MAX(f.id) AS last FROM (${PAGE}) r JOIN file f ON f.id = r.file_id`
/** Counted at once: no question takes longer than a database may. */
const AMOUNT_FILES = 10_000

/** What a node has in one state: costs what there is of it. */
export function* amountIn(reader: Reader, node: NodeId, state: number): Op<Amount> {
	const total = { files: 0, bytes: 0 }
	for (let after = 0; ; ) {
		const { files, bytes, last } = (yield* wait(reader.get<Counted>(AMOUNT, [node, state, after, AMOUNT_FILES]))) as Counted
		total.files += Number(files)
		total.bytes += Number(bytes ?? 0)
		if (last === null || Number(files) < AMOUNT_FILES) return total
		after = last
	}
}

/** Everything a node is down for, in whatever state. */
export function* held(reader: Reader, node: NodeId): Op<Amount> {
	const total = { files: 0, bytes: 0 }
	for (const state of Object.values(REPLICA)) {
		const { files, bytes } = yield* amountIn(reader, node, state)
		total.files += files
		total.bytes += bytes
	}
	return total
}

/** Files that may have copies. */
export function* countFiles(reader: Reader): Op<number> {
	const row = yield* wait(
		reader.get<{ many: number }>(`SELECT COUNT(*) AS many FROM file WHERE kind IN (${KIND.regular}, ${KIND.symlink})`),
	)
	return Number(row?.many ?? 0)
}

/** Directories and special files are in the catalogue only. */
export function hasCopies({ kind }: Pick<HeldFile, 'kind'>): boolean {
	return kind === KIND.regular || kind === KIND.symlink
}

/** Of the first so many good copies of a node, those that are the only one; and how many were looked at. */
export function* onlyCopies(reader: Reader, node: NodeId, limit: number): Op<{ alone: number; looked: number }> {
	const row = yield* wait(
		reader.get<{ alone: number | string | null; looked: number | string }>(
			`SELECT COUNT(*) AS looked, SUM(CASE WHEN EXISTS
				(SELECT 1 FROM replica o WHERE o.file_id = r.file_id AND o.node_id <> ? AND o.state = 1 AND o.version >= r.version) THEN 0 ELSE 1 END) AS alone
				FROM (SELECT file_id, version FROM replica WHERE node_id = ? AND state = 1 LIMIT ?) AS r`,
			[node, node, limit],
		),
	)
	return { alone: Number(row?.alone ?? 0), looked: Number(row?.looked ?? 0) }
}
