/** Copies that are wanted on a node: what there is to do, what has to be known of each, and the rows of those that were made. */
import type { ClientId, FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IS_ONE } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import type { EntryRow } from './entries.ts'
import { FILE_COLUMNS, type FileRow } from './files.ts'
import type { IntentRow } from './intents.ts'
import { REPLICA, type ReplicaRow } from './replicas.ts'
import * as touched from './stat-touched.ts'

export interface WantedRow {
	file_id: FileId
	size: number
	/** Copies of it that are good, anywhere. */
	good: number
}

/** From the first after `after` to `last`, both by id. */
export interface Span {
	node: NodeId
	after: FileId
	last: FileId
	limit: number
}

const LAST = 'SELECT MAX(file_id) AS last FROM replica WHERE node_id = ? AND state = 2'
const IDS = `SELECT file_id FROM replica WHERE node_id ${IS_ONE} AND state IN (${REPLICA.wanted}, NULL) AND file_id > ? AND file_id <= ? ORDER BY node_id, state, file_id LIMIT ?`
const PAGE = `SELECT w.file_id, f.size, (SELECT COUNT(*) FROM replica g WHERE g.file_id = w.file_id AND g.state = 1) AS good
	FROM (${IDS}) w JOIN file f ON f.id = w.file_id ORDER BY w.file_id`
const AMOUNT = `SELECT COUNT(*) AS files, SUM(f.size) AS bytes, MAX(w.file_id) AS last FROM (${IDS}) w JOIN file f ON f.id = w.file_id`

/** The highest id of a file wanted on the node: what comes later is for the next run. Undefined when nothing is wanted. */
export async function lastWanted(reader: Reader, node: NodeId): Promise<FileId | undefined> {
	return (await reader.get<{ last: FileId | null }>(LAST, [node]))?.last ?? undefined
}

export function page(reader: Reader, { node, after, last, limit }: Span): Maybe<WantedRow[]> {
	return reader.all<WantedRow>(PAGE, [node, after, last, limit])
}

/** Of the first `limit` in the span; `last` is null where there are none. */
export function amount(
	reader: Reader,
	{ node, after, last, limit }: Span,
): Maybe<{ files: number; bytes: number | null; last: FileId | null } | undefined> {
	return reader.get(AMOUNT, [node, after, last, limit])
}

export type WantedFile = FileRow & { hash: Uint8Array | null; hash_version: number; target: Uint8Array | null }
export type CopyOf = ReplicaRow & { file_id: FileId }
export type NameOf = EntryRow & { file_id: FileId }

/** Files asked for with one statement. */
export const FILES_MAX = 256
/** Few texts, so that few statements are prepared: a list is filled up with a number that nothing has. */
const LENGTHS = [1, 16, FILES_MAX]
const NOTHING = 0

const FILES = `SELECT ${FILE_COLUMNS}, f.hash, f.hash_version, f.target FROM file f WHERE f.id IN`
const COPIES = 'SELECT file_id, node_id, version, state FROM replica WHERE file_id IN'
const NAMES = 'SELECT file_id, parent_id, name FROM entry WHERE file_id IN'
const WRITERS = 'SELECT DISTINCT file_id FROM writer WHERE file_id IN'

const MADE = 'UPDATE replica SET version = (SELECT f.version FROM file f WHERE f.id = replica.file_id), state = 1,'

function among(select: string, ids: readonly number[], end = ''): Query {
	const length = LENGTHS.find((each) => each >= ids.length) ?? ids.length
	const filled = [...ids, ...new Array<number>(length - ids.length).fill(NOTHING)]
	return [`${select} (${filled.map(() => '?').join(',')})${end}`, filled]
}

/** At most `FILES_MAX`. The locked rows come in one order for all, by id. */
export function filesQuery(ids: readonly FileId[], lock = ''): Query {
	return among(FILES, ids, ` ORDER BY f.id${lock}`)
}

export function copiesQuery(ids: readonly FileId[]): Query {
	return among(COPIES, ids)
}

/** Locked, nobody gives a file or a directory another name before the commit. */
export function namesQuery(ids: readonly FileId[], lock = ''): Query {
	return among(NAMES, ids, ` ORDER BY file_id, parent_id, name${lock}`)
}

/** Which of them are being written. */
export function writtenQuery(ids: readonly FileId[]): Query {
	return among(WRITERS, ids)
}

/**
 * The node has them now as they are, and they were read whole: in the transaction that has made sure of it. At most `FILES_MAX`.
 */
export function setMade(tx: Transaction, node: NodeId, ids: readonly FileId[], { now }: Capabilities): void {
	const [text, params] = among(`${MADE} verified_at = ${now} WHERE node_id = ${node} AND file_id IN`, ids)
	tx.write(text, params)
	touched.addMany(tx, ids)
}

const OTHERS = `SELECT id, node_id, op, path, to_path, file_id, client_id, token FROM intent
	WHERE node_id = ? AND (client_id IS NULL OR client_id <> ? OR token NOT IN`

/** Intents that stand on a node, but those of these transactions of a client: it knows of them. */
export function othersIntents(
	reader: Reader,
	{ node, client, tokens, limit }: { node: NodeId; client: ClientId; tokens: readonly number[]; limit: number },
): Maybe<IntentRow[]> {
	const [text, list] = among(OTHERS, tokens, ') ORDER BY id LIMIT ?')
	return reader.all<IntentRow>(text, [node, client, ...list, limit])
}
