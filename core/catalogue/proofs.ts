/** Which copies were read whole and found right, and when: `replica.verified_at`, with what the file should be. */
import type { FileId, NodeId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import { endOfPageQuery, IS_ONE } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import { KIND } from './files.ts'
import { PAGE } from './replicas.ts'
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

const COLUMNS = 'r.file_id, r.version, r.state, r.verified_at, f.kind, f.size, f.mtime, f.mtime_ns, f.version AS file_version, f.hash, f.hash_version'

/** The page first, from an index that has all of it; only then what is to be known of its copies. */
function pageOf(ids: string, order = 'r.file_id'): string {
	return `SELECT ${COLUMNS} FROM (${ids}) p JOIN replica r ON r.file_id = p.file_id AND r.node_id = ? JOIN file f ON f.id = r.file_id ORDER BY ${order}`
}

const ON_NODE = `SELECT file_id FROM replica WHERE node_id ${IS_ONE}`
const OF_STATE = pageOf(PAGE)
const NEVER = pageOf(`${ON_NODE} AND verified_at IS NULL AND file_id > ? ORDER BY node_id, file_id LIMIT ?`)
const SINCE = pageOf(`${ON_NODE} AND verified_at > ? ORDER BY node_id, verified_at, file_id LIMIT ?`, 'r.verified_at, r.file_id')
// Very many may have been proved in one second.
const IN_SECOND = pageOf(`${ON_NODE} AND verified_at ${IS_ONE} AND file_id > ? ORDER BY node_id, verified_at, file_id LIMIT ?`)
const OF_FILE = `SELECT ${COLUMNS} FROM replica r JOIN file f ON f.id = r.file_id WHERE r.node_id = ? AND r.file_id = ?`

export interface Page {
	after: FileId
	limit: number
}

export function ofState(reader: Reader, node: NodeId, state: number, { after, limit }: Page): Maybe<CopyRow[]> {
	return reader.all<CopyRow>(OF_STATE, [node, state, after, limit, node])
}

/** In whatever state: the index knows nothing of states. */
export function neverProved(reader: Reader, node: NodeId, { after, limit }: Page): Maybe<CopyRow[]> {
	return reader.all<CopyRow>(NEVER, [node, after, limit, node])
}

/** Those proved at `at` or later, oldest first; of that second itself only files after `after`. */
export function* provedFrom(reader: Reader, node: NodeId, at: number, { after, limit }: Page): Op<CopyRow[]> {
	const same = yield* wait(reader.all<CopyRow>(IN_SECOND, [node, at, after, limit, node]))
	if (same.length === limit) return same
	return [...same, ...(yield* wait(reader.all<CopyRow>(SINCE, [node, at, limit - same.length, node])))]
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

/** Of a page of the copies on a node in one state: those that may be verified, and the bytes of those that were proved before `due`, or never. Null where there are none. */
const AMOUNT = `SELECT SUM(CASE WHEN f.kind IN (${KIND.regular}, ${KIND.symlink}) THEN 1 ELSE 0 END) AS files,
	SUM(CASE WHEN f.kind IN (${KIND.regular}, ${KIND.symlink}) AND (r.verified_at IS NULL OR r.verified_at < ?) THEN f.size ELSE 0 END) AS bytes, MAX(f.id) AS last
	FROM (${PAGE}) p JOIN replica r ON r.file_id = p.file_id AND r.node_id = ? JOIN file f ON f.id = r.file_id`

export function amount(
	reader: Reader,
	{ node, state, due }: { node: NodeId; state: number; due: number },
	{ after, limit }: Page,
): Maybe<{ files: number | string | null; bytes: number | string | null; last: FileId | null } | undefined> {
	return reader.get(AMOUNT, [due, node, state, after, limit, node])
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

const STANDING = `SELECT node_id, COUNT(*) AS copies, SUM(CASE WHEN verified_at IS NULL THEN 1 ELSE 0 END) AS never,
	SUM(CASE WHEN state = 3 THEN 1 ELSE 0 END) AS suspect, MIN(verified_at) AS oldest
	FROM replica WHERE file_id > ? AND file_id <= ? AND state IN (1, 3) GROUP BY node_id`
/** Counted at once: no question takes longer than a database may. */
const STANDING_COPIES = 20_000

/** How well the copies of each node are proved. Looks at every copy there is. */
export async function standings(reader: Reader): Promise<Standing[]> {
	const found = new Map<NodeId, Standing>()
	for (let after = 0; ; ) {
		const page = await reader.get<{ last: FileId | null }>(...endOfPageQuery({ table: 'replica', column: 'file_id' }, after, STANDING_COPIES))
		const last = page?.last ?? undefined
		if (last === undefined) return [...found.values()].sort((a, b) => a.node_id - b.node_id)
		for (const row of await reader.all<Standing>(STANDING, [after, last])) found.set(row.node_id, together(row, found.get(row.node_id)))
		after = last
	}
}

function together(a: Standing, b: Standing | undefined): Standing {
	const sum = (of: 'copies' | 'never' | 'suspect') => Number(a[of]) + (b?.[of] ?? 0)
	const oldest = [a.oldest, b?.oldest].filter((at) => typeof at === 'number')
	return { node_id: a.node_id, copies: sum('copies'), never: sum('never'), suspect: sum('suspect'), oldest: oldest.length === 0 ? null : Math.min(...oldest) }
}

/** The first of an index. For one node: of a question about all of them MariaDB reads every copy that has no proof. */
export function oldestQuery(node: NodeId): Query {
	return ['SELECT verified_at AS at FROM replica WHERE node_id = ? AND verified_at IS NOT NULL ORDER BY verified_at LIMIT 1', [node]]
}

/** The same, and a copy that has no proof. */
export function oldestQueries(node: NodeId): Query[] {
	return [oldestQuery(node), ['SELECT 1 AS found FROM replica WHERE node_id = ? AND verified_at IS NULL LIMIT 1', [node]]]
}

/** The database's clock. */
export function now(reader: Reader, { now: clock }: Capabilities): Maybe<{ now: number } | undefined> {
	return reader.get(`SELECT ${clock} AS now`)
}
