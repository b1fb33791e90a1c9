/** What opening a file has to know, in one query: the file, where it is, under which names, who writes it. */
import type { FileId, Name, NodeId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Query, Reader } from './driver.ts'
import * as entries from './entries.ts'
import { FILE_COLUMNS, type FileRow } from './files.ts'
import type { ReplicaRow } from './replicas.ts'

export type OpeningRow = FileRow & {
	parent_id: FileId | null
	name: Uint8Array | null
	node_id: NodeId | null
	replica_version: number
	replica_state: number
	pin: NodeId | null
	intended: number
}

export interface Found {
	row: FileRow
	replicas: ReplicaRow[]
	/** The first names: a file has as many as it likes, the copies lie under all of them, any one leads there. */
	names: Array<{ parent: FileId; name: Name }>
	/** The node it is being written on. */
	pin: NodeId | null
	/** Intents stand, on whatever. */
	intended: boolean
}

/** Of a file with more names these are asked for by themselves: a server goes through all pairs of a name and a copy before it gives the first. */
export const NAMES_MAX = 100

const FIND = `SELECT ${FILE_COLUMNS}, e.parent_id, e.name, r.node_id, r.version AS replica_version, r.state AS replica_state,
	(SELECT w.node_id FROM writer w WHERE w.file_id = f.id LIMIT 1) AS pin,
	EXISTS (SELECT 1 FROM intent) AS intended
	FROM file f LEFT JOIN entry e ON e.file_id = CASE WHEN f.nlink <= ${NAMES_MAX} THEN f.id END LEFT JOIN replica r ON r.file_id = f.id
	WHERE f.id = ? ORDER BY e.parent_id, e.name`

export function findQuery(id: FileId): Query {
	return [FIND, [id]]
}

export type CopyRow = Pick<OpeningRow, 'node_id' | 'replica_version' | 'replica_state' | 'pin' | 'intended'>

const COPIES = `SELECT r.node_id, r.version AS replica_version, r.state AS replica_state,
	(SELECT w.node_id FROM writer w WHERE w.file_id = r.file_id LIMIT 1) AS pin, EXISTS (SELECT 1 FROM intent) AS intended
	FROM replica r WHERE r.file_id = ?`

/** The same of a file whose row and only name are known: a third of the work. */
export function copiesQuery(id: FileId): Query {
	return [COPIES, [id]]
}

export function gatherCopies(rows: readonly CopyRow[], row: FileRow, { parent, name }: Found['names'][number]): Found | undefined {
	const [first] = rows
	if (!first) return undefined
	const replicas = rows.map((copy) => ({ node_id: copy.node_id as NodeId, version: copy.replica_version, state: copy.replica_state }))
	return { row, replicas, names: [{ parent, name }], pin: first.pin, intended: first.intended !== 0 }
}

export function* gather(reader: Pick<Reader, 'read'>, rows: OpeningRow[]): Op<Found | undefined> {
	const found = gatherRows(rows)
	if (!found || found.row.nlink <= NAMES_MAX) return found
	const [names] = (yield* wait(reader.read(entries.namesQuery(found.row.id, NAMES_MAX)))) as [entries.EntryRow[]]
	found.names.push(...names.map(({ parent_id, name }) => ({ parent: parent_id, name: Buffer.from(name) })))
	return found
}

function gatherRows(rows: OpeningRow[]): Found | undefined {
	const [first] = rows
	if (!first) return undefined
	const found: Found = { row: first, replicas: [], names: [], pin: first.pin, intended: first.intended !== 0 }
	for (const row of rows) {
		if (row.node_id !== null && !found.replicas.some((copy) => copy.node_id === row.node_id)) {
			found.replicas.push({ node_id: row.node_id, version: row.replica_version, state: row.replica_state })
		}
		const { parent_id, name } = row
		if (parent_id === null || name === null) continue
		const last = found.names[found.names.length - 1]
		if (last && last.parent === parent_id && last.name.equals(name)) continue
		found.names.push({ parent: parent_id, name: Buffer.from(name.buffer, name.byteOffset, name.byteLength) })
	}
	return found
}
