/** What a walk of a node's tree asks of the catalogue and tells it: of a directory at a time, of many files at once. */
import type { ClientId, FileId, Name, NodeId } from '../ids.ts'
import { IN_LIST, inLists, insertMany, insertRows } from './bulk.ts'
import type { Capabilities, Query, Transaction, Value } from './driver.ts'
import type { FileRow } from './files.ts'
import * as touched from './stat-touched.ts'

/** A name of a directory, and the copy its file has on the node; the replica's columns are null where it has none. */
export interface WalkedRow {
	name: Uint8Array
	id: FileId
	kind: number
	size: number
	mtime: number
	mtime_ns: number
	version: number
	hash_version: number
	replica_version: number | null
	replica_state: number | null
}

const COLUMNS = 'e.name, f.id, f.kind, f.size, f.mtime, f.mtime_ns, f.version, f.hash_version, r.version AS replica_version, r.state AS replica_state'
const FROM = `FROM entry e JOIN file f ON f.id = e.file_id LEFT JOIN replica r ON r.file_id = e.file_id AND r.node_id = ?`
const PAGE = `SELECT ${COLUMNS} ${FROM} WHERE e.parent_id = ? AND e.name > ? ORDER BY e.name LIMIT ?`
const ONE = `SELECT ${COLUMNS}, f.target ${FROM} WHERE e.parent_id = ? AND e.name = ?`

/** What of a directory can be compared as a whole with what is on a node. */
export interface FactsRow {
	/** `name NUL size,mtime,nanoseconds` of each file whose copy is good, slashes between, in the order of the names. */
	files: Uint8Array | null
	/** `name NUL id` of each directory. */
	directories: Uint8Array | null
	/** Names there are; 0 where they are too many. */
	many: number
}

/** Asked once: a limit of the rows themselves would cost a third more. */
const FEWER = '(SELECT COUNT(*) FROM (SELECT 1 FROM entry WHERE parent_id = ? LIMIT ?) AS some) < ?'

export function factsQuery(node: NodeId, parent: FileId, limit: number, { joined }: Capabilities): Query {
	const files = joined('f.kind = 8 AND r.state = 1 AND r.version = f.version', ['e.name', 'CHAR(0)', 'f.size', "','", 'f.mtime', "','", 'f.mtime_ns'])
	const directories = joined('f.kind = 4', ['e.name', 'CHAR(0)', 'f.id'])
	return [`SELECT ${files} AS files, ${directories} AS directories, COUNT(*) AS many ${FROM} WHERE e.parent_id = ? AND ${FEWER}`, [node, parent, parent, limit, limit]]
}

/** With the target of a symlink. */
export type OneRow = WalkedRow & { target: Uint8Array | null }

export function pageQuery(node: NodeId, parent: FileId, after: Uint8Array, limit: number): Query {
	return [PAGE, [node, parent, after, limit]]
}

export function oneQuery(node: NodeId, parent: FileId, name: Name): Query {
	return [ONE, [node, parent, name]]
}

/** The rows of these files are nobody else's to change until the commit; which of them there are. */
export function lockQueries(ids: readonly FileId[], { forUpdate }: Capabilities): Query[] {
	return inLists(ids).map((list) => [`SELECT id, kind FROM file WHERE id IN ${IN_LIST} ORDER BY id${forUpdate}`, list])
}

export interface CopyRow {
	id: FileId
	version: number
	hash: Uint8Array | null
	hash_version: number
	replica_version: number | null
	replica_state: number | null
	/** Somebody has it open for writing. */
	written: number
	/** Good copies of a version that has no hash; 0 where it has one. */
	uncompared: number
}

const COPIES = `SELECT f.id, f.version, f.hash, f.hash_version, r.version AS replica_version, r.state AS replica_state,
	EXISTS (SELECT 1 FROM writer w WHERE w.file_id = f.id) AS written,
	CASE WHEN f.hash_version = f.version THEN 0 ELSE (SELECT COUNT(*) FROM replica o WHERE o.file_id = f.id AND o.state = 1 AND o.version = f.version) END AS uncompared
	FROM file f LEFT JOIN replica r ON r.file_id = f.id AND r.node_id = ? WHERE f.id IN ${IN_LIST}`

export function copyQueries(node: NodeId, ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [COPIES, [node, ...list]])
}

export interface NewRow {
	row: FileRow
	parent: FileId
	name: Name
	/** Of a regular file. */
	hash: Uint8Array | null
	/** Of a symlink. */
	target: Uint8Array | null
}

const FILE = `INSERT INTO file (id, kind, mode, uid, gid, nlink, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns,
	version, hash, hash_version, class_id, target, flags)`
const FILE_ROW = '(?,?,?,?,?,?,?,?,?,?,?,?,?,?,1,?,?,?,?,?)'

/** Files with their names, each told to whoever follows the journal. */
export function insertFiles(
	tx: Transaction,
	client: ClientId,
	made: readonly NewRow[],
	opOf: (row: FileRow) => string,
	{ now }: Capabilities,
): void {
	insertRows(tx, FILE, FILE_ROW, made, putFile)
	insertRows(tx, 'INSERT INTO entry (parent_id, name, file_id)', '(?,?,?)', made, (values, at, { parent, name, row }) => {
		values[at] = parent
		values[at + 1] = name
		values[at + 2] = row.id
	})
	insertRows(
		tx,
		'INSERT INTO `change` (at, client_id, op, parent_id, name, file_id)',
		`(${now},?,?,?,?,?)`,
		made,
		(values, at, { parent, name, row }) => {
			values[at] = client
			values[at + 1] = opOf(row)
			values[at + 2] = parent
			values[at + 3] = name
			values[at + 4] = row.id
		},
	)
}

/** Written out: this runs once for every new file. */
function putFile(values: Value[], at: number, { row, hash, target }: NewRow): void {
	values[at] = row.id
	values[at + 1] = row.kind
	values[at + 2] = row.mode
	values[at + 3] = row.uid
	values[at + 4] = row.gid
	values[at + 5] = row.nlink
	values[at + 6] = row.size
	values[at + 7] = row.blocks
	values[at + 8] = row.atime
	values[at + 9] = row.atime_ns
	values[at + 10] = row.mtime
	values[at + 11] = row.mtime_ns
	values[at + 12] = row.ctime
	values[at + 13] = row.ctime_ns
	values[at + 14] = hash
	values[at + 15] = hash === null ? 0 : 1
	values[at + 16] = row.class_id
	values[at + 17] = target
	values[at + 18] = row.flags
}

/** Regular files nobody knew, in one directory, each with this one name. */
export interface PlainFiles {
	parent: FileId
	/** The others' ids follow. */
	first: FileId
	many: number
	name(index: number): Uint8Array
	/** Sets PLAIN_VALUES values from `at` on: mode, uid, gid, size, blocks, atime, mtime, ctime, each with its nanoseconds, hash, class. */
	put(values: Value[], at: number, index: number): void
}

const PLAIN_VALUES = 13
const PLAIN = `INSERT INTO file (id, kind, nlink, version, hash_version, mode, uid, gid, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, hash, class_id)`
const PLAIN_ROW = `(?,8,1,1,1,${Array(PLAIN_VALUES).fill('?').join()})`

/** With their names and their copies on the node, which were read just now, each told to whoever follows the journal. */
export function insertPlain(tx: Transaction, client: ClientId, node: NodeId, all: readonly PlainFiles[], { now }: Capabilities): void {
	insertEach(tx, PLAIN, PLAIN_ROW, all, (values, at, files, index) => {
		values[at] = files.first + index
		files.put(values, at + 1, index)
	})
	insertEach(tx, 'INSERT INTO entry (parent_id, name, file_id)', '(?,?,?)', all, (values, at, files, index) => {
		values[at] = files.parent
		values[at + 1] = files.name(index)
		values[at + 2] = files.first + index
	})
	// Not from the names just made: MySQL leaves gaps in the numbers of rows it did not count before, and who reads the journal waits for each.
	insertEach(tx, 'INSERT INTO `change` (at, client_id, op, parent_id, name, file_id)', `(${now},?,'create',?,?,?)`, all, (values, at, files, index) => {
		values[at] = client
		values[at + 1] = files.parent
		values[at + 2] = files.name(index)
		values[at + 3] = files.first + index
	})
	for (const { first, many } of all) {
		// What is in the table already need not be handed over once more.
		tx.write(`INSERT INTO replica (file_id, node_id, version, state, verified_at) SELECT id, ?, 1, 1, ${now} FROM file WHERE id >= ? AND id < ?`, [node, first, first + many])
	}
}

type PutEach = (values: Value[], at: number, files: PlainFiles, index: number) => void

/** One after the other, whichever directory they are in. */
function insertEach(tx: Transaction, into: string, row: string, all: readonly PlainFiles[], put: PutEach): void {
	let [which, index] = [0, 0]
	insertMany(tx, into, row, all.reduce((sum, { many }) => sum + many, 0), (values, at) => {
		while (index === all[which].many) [which, index] = [which + 1, 0]
		put(values, at, all[which], index++)
	})
}

/** Of these directories those that have any name. */
export function crowdedQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [`SELECT DISTINCT parent_id FROM entry WHERE parent_id IN ${IN_LIST}`, list])
}

export interface NewReplica {
	file: FileId
	node: NodeId
	version: number
	state: number
}

/** Those that were not there before, of files that came with them; `proved`: they were read whole just now. */
export function insertReplicas(tx: Transaction, rows: readonly NewReplica[], proved: boolean, { now }: Capabilities): void {
	const row = `(?,?,?,?,${proved ? now : 'NULL'})`
	insertRows(
		tx,
		'INSERT INTO replica (file_id, node_id, version, state, verified_at)',
		row,
		rows,
		(values, at, { file, node, version, state }) => {
			values[at] = file
			values[at + 1] = node
			values[at + 2] = version
			values[at + 3] = state
		},
	)
}

/** The copies of these files on a node are what they should be, seen just now. */
export function setProved(tx: Transaction, node: NodeId, ids: readonly FileId[], { now }: Capabilities): void {
	for (const list of inLists(ids)) {
		tx.write(`UPDATE replica SET verified_at = ${now} WHERE node_id = ? AND file_id IN ${IN_LIST}`, [node, ...list])
	}
}

/** A copy there already, or there now, is the file's content at `version`, seen just now. */
export function setGood(tx: Transaction, file: FileId, node: NodeId, version: number, { now, replace }: Capabilities): void {
	const end = replace('file_id, node_id', ['version', 'state', 'verified_at'])
	tx.write(`INSERT INTO replica (file_id, node_id, version, state, verified_at) VALUES (?,?,?,1,${now}) ${end}`, [file, node, version])
	touched.add(tx, file)
}

export function addLinks(tx: Transaction, directory: FileId, links: number): void {
	tx.write('UPDATE file SET nlink = nlink + ? WHERE id = ?', [links, directory])
}
