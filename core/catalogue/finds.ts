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

/** Files of which others have the same content, by hash: those of the hashes from one to another, the last not included. */
export function ofContents(reader: Reader, from: Uint8Array, to: Uint8Array | undefined): Maybe<Array<FileRow & { hash: Uint8Array }>> {
	// No hash is as high as this.
	const range = [from, to ?? Buffer.alloc(33, 0xff)]
	return reader.all(
		`SELECT ${FILE_COLUMNS}, f.hash FROM file f JOIN (
				SELECT hash FROM file WHERE ${HASHED} AND hash >= ? AND hash < ? GROUP BY hash HAVING COUNT(*) > 1
			) d ON d.hash = f.hash
			WHERE f.kind = ${KIND.regular} AND f.size > 0 AND f.hash_version = f.version AND f.hash >= ? AND f.hash < ? ORDER BY f.hash, f.id`,
		[...range, ...range],
	)
}

const HASHED = `kind = ${KIND.regular} AND size > 0 AND hash_version = version`
