/** Table `file`: what a file is, apart from its names and its copies. */
import type { FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Time } from '../clock.ts'
import { insertRows } from './bulk.ts'
import type { Query, Reader, Transaction, Value } from './driver.ts'
import { REPLICA } from './replicas.ts'
import * as touched from './stat-touched.ts'

/** The DT_ values of dirent(3), as stored in `kind`. */
export const KIND = { fifo: 1, character: 2, directory: 4, block: 6, regular: 8, symlink: 10, socket: 12 } as const

export const FLAG_HAS_XATTRS = 1
/** It has an id of another system too: a row in `object`. */
export const FLAG_IS_OBJECT = 2

export interface FileRow {
	id: FileId
	kind: number
	/** Permission and set-id bits; the type is in `kind`. */
	mode: number
	uid: number
	gid: number
	rdev: number
	nlink: number
	size: number
	blocks: number
	atime: number
	atime_ns: number
	mtime: number
	mtime_ns: number
	ctime: number
	ctime_ns: number
	version: number
	class_id: number
	flags: number
}

export const FILE_COLUMNS =
	'f.id, f.kind, f.mode, f.uid, f.gid, f.rdev, f.nlink, f.size, f.blocks, f.atime, f.atime_ns, f.mtime, f.mtime_ns, f.ctime, f.ctime_ns, f.version, f.class_id, f.flags'

const FIND = `SELECT ${FILE_COLUMNS} FROM file f WHERE f.id = ?`
const INSERT_INTO =
	'INSERT INTO file (id, kind, mode, uid, gid, rdev, nlink, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, class_id, flags, target, hash, hash_version)'
const INSERTED = '(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)'
const INSERT = `${INSERT_INTO} VALUES ${INSERTED}`

export function find(reader: Reader, id: FileId): Maybe<FileRow | undefined> {
	return reader.get<FileRow>(FIND, [id])
}

export function findQuery(id: FileId, lock = ''): Query {
	return [lock ? FIND + lock : FIND, [id]]
}

export function target(reader: Reader, id: FileId): Maybe<{ target: Uint8Array | null } | undefined> {
	return reader.get('SELECT target FROM file WHERE id = ?', [id])
}

/** What anybody does to a file's attributes or names is in its ctime. */
const SET_FIRST_CONTENT = `UPDATE file SET size = ?, blocks = ?, mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ?, version = ?
	WHERE id = ? AND version = ? AND ctime = ? AND ctime_ns = ? AND mode = ? AND class_id = ?
	AND (SELECT state FROM replica WHERE file_id = ? AND node_id = ?) = ${REPLICA.good}`

interface Content {
	target?: Uint8Array
	/** That of its version. */
	hash?: Uint8Array
}

export function insert(tx: Transaction, file: FileRow, content: Content = {}): void {
	tx.write(INSERT, valuesOf(file, content))
}

export function insertAll(tx: Transaction, rows: ReadonlyArray<{ row: FileRow } & Content>): void {
	insertRows(tx, INSERT_INTO, INSERTED, rows, (values, at, { row, ...content }) => {
		for (const value of valuesOf(row, content)) values[at++] = value
	})
}

function valuesOf(f: FileRow, { target, hash }: Content): Value[] {
	return [
		f.id, f.kind, f.mode, f.uid, f.gid, f.rdev, f.nlink, f.size, f.blocks, f.atime, f.atime_ns, f.mtime, f.mtime_ns, f.ctime,
		f.ctime_ns, f.version, f.class_id, f.flags, target ?? null, hash ?? null, hash ? f.version : 0,
	]
}

/** A new, empty directory with the owner and the mode of another, or a mode of its own. */
export function insertDirectoryLike(tx: Transaction, { id, like, mode, now }: { id: FileId; like: FileId; mode: number | undefined; now: Time }): void {
	tx.write(
		`INSERT INTO file (id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, flags)
			SELECT ?, kind, COALESCE(?, mode), uid, gid, 2, 4096, ?, ?, ?, ?, ?, ?, 1, flags FROM file WHERE id = ?`,
		[id, mode ?? null, now.s, now.ns, now.s, now.ns, now.s, now.ns, like],
	)
}

/** A directory whose names changed. `links` is what its link count changes by (a subdirectory came or went). */
export function touchDirectory(tx: Transaction, id: FileId, now: Time, links = 0): void {
	tx.write('UPDATE file SET mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ?, nlink = nlink + ? WHERE id = ?', [
		now.s, now.ns, now.s, now.ns, links, id,
	])
}

/**
 * The same of one that is as it was read a moment ago; where it is not, or a directory was moved since that number of moves, or changes wait
 * to be carried out on a node, the transaction is overtaken.
 */
export function touchKnownDirectory(tx: Transaction, { id, mode, gid }: FileRow, now: Time, moves: number): void {
	tx.decide(
		`UPDATE file SET mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ?
			WHERE id = ? AND kind = ${KIND.directory} AND mode = ? AND gid = ? AND (SELECT 1 FROM intent LIMIT 1) IS NULL
			AND (SELECT number FROM moves WHERE id = 1) = ?`,
		[now.s, now.ns, now.s, now.ns, id, mode, gid, moves],
	)
}

export function changeLinks(tx: Transaction, id: FileId, by: number, now: Time): void {
	tx.write('UPDATE file SET nlink = nlink + ?, ctime = ?, ctime_ns = ? WHERE id = ?', [by, now.s, now.ns, id])
}

export function remove(tx: Transaction, id: FileId): void {
	tx.write('DELETE FROM file WHERE id = ?', [id])
}

export function setAttributes(tx: Transaction, f: FileRow): void {
	tx.write(
		'UPDATE file SET mode = ?, uid = ?, gid = ?, atime = ?, atime_ns = ?, mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ? WHERE id = ?',
		[f.mode, f.uid, f.gid, f.atime, f.atime_ns, f.mtime, f.mtime_ns, f.ctime, f.ctime_ns, f.id],
	)
}

/** New content: whatever hash was known no longer describes it (hash_version stays behind version). */
export function setContent(tx: Transaction, f: FileRow): void {
	tx.write(
		'UPDATE file SET size = ?, blocks = ?, mtime = ?, mtime_ns = ?, ctime = ?, ctime_ns = ?, mode = ?, version = ? WHERE id = ?',
		[f.size, f.blocks, f.mtime, f.mtime_ns, f.ctime, f.ctime_ns, f.mode, f.version, f.id],
	)
}

/** The same of a file that is as it was entered, with a good copy on that node; where it is not, the transaction is overtaken. */
export function setFirstContent(tx: Transaction, entered: FileRow, f: FileRow, node: NodeId): void {
	tx.decide(SET_FIRST_CONTENT, [
		f.size, f.blocks, f.mtime, f.mtime_ns, f.ctime, f.ctime_ns, f.version,
		f.id, entered.version, entered.ctime, entered.ctime_ns, entered.mode, entered.class_id, f.id, node,
	])
}

export function setClass(tx: Transaction, id: FileId, classId: number): void {
	tx.write('UPDATE file SET class_id = ? WHERE id = ?', [classId, id])
	touched.add(tx, id)
}

export function setFlags(tx: Transaction, id: FileId, flags: number, now: Time): void {
	tx.write('UPDATE file SET flags = ?, ctime = ?, ctime_ns = ? WHERE id = ?', [flags, now.s, now.ns, id])
}
