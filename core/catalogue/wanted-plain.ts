/**
 * Wanted copies of plain files: one name, no holes, no extended attributes, nobody writing. All that has to be known of many is one text: as
 * rows of so many columns they cost more than their copies.
 */
import type { FileId, NodeId } from '../ids.ts'
import { FLAG_HAS_XATTRS, KIND } from './files.ts'
import type { Capabilities, Query } from './driver.ts'

/** Files asked for at once. */
export const PLAIN_MAX = 512
const BLOCK_BYTES = 512
/** Few texts, so that few statements are prepared: a list is filled up with a number that nothing has. */
const NOTHING = 0

/** Where each is in the facts of a file; up to the times, as copying threads are told them. */
export const FACT = { id: 0, size: 1, own: 2, mtimeNs: 9, parent: 10, version: 11, hash: 12, holders: 13 }
const COLUMNS = [
	'f.id', 'f.size', 'w.version', 'f.mode', 'f.uid', 'f.gid', 'f.atime', 'f.atime_ns', 'f.mtime', 'f.mtime_ns', 'e.parent_id', 'f.version',
	`CASE WHEN f.hash_version = f.version THEN LOWER(HEX(f.hash)) ELSE '' END`,
	`(SELECT GROUP_CONCAT(s.node_id, ' ') FROM replica s WHERE s.file_id = f.id AND s.state = 1 AND s.version = f.version)`,
]
const FROM = `FROM file f JOIN replica w ON w.file_id = f.id AND w.node_id = ? AND w.state = 2 JOIN entry e ON e.file_id = f.id
	WHERE f.kind = ${KIND.regular} AND f.nlink = 1 AND f.size <= ? AND f.blocks * ${BLOCK_BYTES} >= f.size AND f.flags & ${FLAG_HAS_XATTRS} = 0
	AND f.version > 0
	AND NOT EXISTS (SELECT 1 FROM writer p WHERE p.file_id = f.id)
	AND EXISTS (SELECT 1 FROM replica s WHERE s.file_id = f.id AND s.state = 1 AND s.version = f.version)
	AND f.id IN (${Array(PLAIN_MAX).fill('?').join()})`

const VALUES = ['e.name', "'/'", ...COLUMNS.flatMap((column, index) => (index === 0 ? [column] : ["','", column]))]

/**
 * Those among `ids` that are plain: name, facts, name, facts, with slashes between; the facts have commas. The same files, as they were, are the
 * same text. Undefined where rows have to be locked before anything is decided upon them.
 */
export function plainQuery(node: NodeId, sizeMax: number, ids: readonly FileId[], { joined, forUpdate }: Capabilities): Query | undefined {
	if (forUpdate !== '') return undefined
	const filled = [...ids, ...new Array<number>(PLAIN_MAX - ids.length).fill(NOTHING)]
	return [`SELECT ${joined('1 = 1', VALUES)} AS facts ${FROM}`, [node, sizeMax, ...filled]]
}
