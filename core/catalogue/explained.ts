/** What is asked of one file to explain it. */
import type { FileId, NodeId } from '../ids.ts'
import type { Query } from './driver.ts'
import { FILE_COLUMNS, type FileRow } from './files.ts'
import { REPLICA } from './replicas.ts'

export type HashedFileRow = FileRow & { hash: Uint8Array | null; hash_version: number }

export interface ExplainedCopyRow {
	node_id: NodeId
	version: number
	state: number
	/** Unix seconds. */
	verified_at: number | null
}

export function fileQuery(id: FileId): Query {
	return [`SELECT ${FILE_COLUMNS}, f.hash, f.hash_version FROM file f WHERE f.id = ?`, [id]]
}

export function copiesQuery(id: FileId): Query {
	return ['SELECT node_id, version, state, verified_at FROM replica WHERE file_id = ? ORDER BY node_id', [id]]
}

export interface ExplainedBackupRow {
	site: string
	version: number
	state: number
	proved_at: number
}

export function backupsQuery(id: FileId): Query {
	return ['SELECT s.name AS site, b.version, b.state, b.proved_at FROM backup b JOIN site s ON s.id = b.site_id WHERE b.file_id = ? ORDER BY s.id', [id]]
}

/** Copies wanted on each node, from the figures. */
export function waitingQuery(): Query {
	return [`SELECT node_id, SUM(files) AS files FROM stat_node WHERE state = ${REPLICA.wanted} GROUP BY node_id`, []]
}
