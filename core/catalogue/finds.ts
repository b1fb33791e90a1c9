/** Questions of `find`: pages of files by what is known of them. */
import type { FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IN_LIST, inLists, IS_ONE } from './bulk.ts'
import type { Query, Reader } from './driver.ts'
import { FILE_COLUMNS, type FileRow, KIND } from './files.ts'
import { PAGE } from './replicas.ts'

/** Files counted with so many copies of a class, by id: those after `after`. */
export function withCopies(reader: Reader, classId: number, copies: number, after: FileId, limit: number): Maybe<FileRow[]> {
	return reader.all<FileRow>(
		`SELECT ${FILE_COLUMNS} FROM (
			SELECT file_id FROM stat_file WHERE class_id ${IS_ONE} AND copies ${IS_ONE} AND file_id > ? ORDER BY class_id, copies, file_id LIMIT ?
		) s JOIN file f ON f.id = s.file_id ORDER BY f.id`,
		[classId, copies, after, limit],
	)
}

/** Files with a copy on a node in one state, by id. */
export function onNode(reader: Reader, node: NodeId, state: number, after: FileId, limit: number): Maybe<FileRow[]> {
	return reader.all<FileRow>(
		`SELECT ${FILE_COLUMNS} FROM (${PAGE}) r JOIN file f ON f.id = r.file_id ORDER BY f.id`,
		[node, state, after, limit],
	)
}

export interface CopyRow {
	file_id: FileId
	node_id: NodeId
	version: number
	state: number
}

export function copiesQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [`SELECT file_id, node_id, version, state FROM replica WHERE file_id IN ${IN_LIST}`, list])
}

const HASHED = `f.kind = ${KIND.regular} AND f.size > 0 AND f.hash_version = f.version`

/** Of files with these numbers, the first excluded, by number: what their content is, where that is known. */
export function hashesBetween(reader: Reader, after: FileId, last: FileId): Maybe<Array<{ id: FileId; hash: Uint8Array }>> {
	return reader.all(`SELECT f.id, f.hash FROM file f WHERE f.id > ? AND f.id <= ? AND ${HASHED} ORDER BY f.id`, [after, last])
}

export function hashedQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list) => [`SELECT ${FILE_COLUMNS}, f.hash FROM file f WHERE f.id IN ${IN_LIST} AND ${HASHED}`, list])
}
