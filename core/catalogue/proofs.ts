/** Which copies were read whole and found right, and when: `replica.verified_at`, with what the file should be. */
import type { FileId, NodeId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { KIND } from './files.ts'
import * as touched from './stat-touched.ts'

/** A copy on the node that is asked about. */
export interface CopyRow {
	file_id: FileId
	version: number
	state: number
	/** By the database's clock; null: never at this version. */
	verified_at: number | null
	kind: number
	size: number
	mtime: number
	mtime_ns: number
	file_version: number
	hash: Uint8Array | null
	hash_version: number
}

const COPY = `SELECT r.file_id, r.version, r.state, r.verified_at, f.kind, f.size, f.mtime, f.mtime_ns, f.version AS file_version, f.hash, f.hash_version
	FROM replica r JOIN file f ON f.id = r.file_id WHERE r.node_id = ?`

const OF_STATE = `${COPY} AND r.state = ? AND r.file_id > ? ORDER BY r.file_id LIMIT ?`
const NEVER = `${COPY} AND r.verified_at IS NULL AND r.file_id > ? ORDER BY r.file_id LIMIT ?`
const SINCE = `${COPY} AND r.verified_at > ? ORDER BY r.verified_at, r.file_id LIMIT ?`
// Very many may have been proved in one second.
const IN_SECOND = `${COPY} AND r.verified_at = ? AND r.file_id > ? ORDER BY r.file_id LIMIT ?`
const OF_FILE = `${COPY} AND r.file_id = ?`

export interface Page {
	after: FileId
	limit: number
}

export function ofState(reader: Reader, node: NodeId, state: number, { after, limit }: Page): Maybe<CopyRow[]> {
	return reader.all<CopyRow>(OF_STATE, [node, state, after, limit])
}

/** In whatever state: the index knows nothing of states. */
export function neverProved(reader: Reader, node: NodeId, { after, limit }: Page): Maybe<CopyRow[]> {
	return reader.all<CopyRow>(NEVER, [node, after, limit])
}

/** Those proved at `at` or later, oldest first; of that second itself only files after `after`. */
export function* provedFrom(reader: Reader, node: NodeId, at: number, { after, limit }: Page): Op<CopyRow[]> {
	const same = yield* wait(reader.all<CopyRow>(IN_SECOND, [node, at, after, limit]))
	if (same.length === limit) return same
	return [...same, ...(yield* wait(reader.all<CopyRow>(SINCE, [node, at, limit - same.length])))]
}

export function ofFileQuery(node: NodeId, file: FileId): Query {
	return [OF_FILE, [node, file]]
}

/** The proof is of no use any more, or was never one. */
export function demote(tx: Transaction, copy: { file: FileId; node: NodeId }, state: number): void {
	// Of version 0: what is wanted is never read.
	tx.write('UPDATE replica SET state = ?, version = CASE WHEN ? = 2 THEN 0 ELSE version END, verified_at = NULL WHERE file_id = ? AND node_id = ?', [
		state, state, copy.file, copy.node,
	])
	touched.add(tx, copy.file)
}

/** A copy that was in doubt was read and found right. */
export function trust(tx: Transaction, copy: { file: FileId; node: NodeId; version: number }): void {
	tx.write('UPDATE replica SET state = 1 WHERE file_id = ? AND node_id = ? AND version = ? AND state = 3', [copy.file, copy.node, copy.version])
	touched.add(tx, copy.file)
}

/** The copies on a node that may be verified, and the bytes of those that were proved before `due`, or never. Looks at every one. */
export function amount(reader: Reader, node: NodeId, due: number): Maybe<{ files: number; bytes: number | null } | undefined> {
	return reader.get(
		`SELECT COUNT(*) AS files, SUM(CASE WHEN r.verified_at IS NULL OR r.verified_at < ? THEN f.size ELSE 0 END) AS bytes
			FROM replica r JOIN file f ON f.id = r.file_id WHERE r.node_id = ? AND r.state IN (1, 3) AND f.kind IN (${KIND.regular}, ${KIND.symlink})`,
		[due, node],
	)
}

export interface Standing {
	node_id: NodeId
	/** Copies that are read from, or would be were they not in doubt. */
	copies: number
	never: number
	suspect: number
	/** The oldest proof of a copy; null: there is none. */
	oldest: number | null
}

/** How well the copies of each node are proved. Looks at every copy there is. */
export function standings(reader: Reader): Maybe<Standing[]> {
	return reader.all<Standing>(
		`SELECT node_id, COUNT(*) AS copies, SUM(CASE WHEN verified_at IS NULL THEN 1 ELSE 0 END) AS never,
			SUM(CASE WHEN state = 3 THEN 1 ELSE 0 END) AS suspect, MIN(verified_at) AS oldest
			FROM replica WHERE state IN (1, 3) GROUP BY node_id ORDER BY node_id`,
	)
}

/** The oldest proof of a node, and a copy that has none: each the first of an index. */
export function oldestQueries(node: NodeId): Query[] {
	return [
		['SELECT verified_at AS at FROM replica WHERE node_id = ? AND verified_at IS NOT NULL ORDER BY verified_at LIMIT 1', [node]],
		['SELECT 1 AS found FROM replica WHERE node_id = ? AND verified_at IS NULL LIMIT 1', [node]],
	]
}

/** The database's clock. */
export function now(reader: Reader, { now: clock }: Capabilities): Maybe<{ now: number } | undefined> {
	return reader.get(`SELECT ${clock} AS now`)
}
