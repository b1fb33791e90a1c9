/** The hash columns of table `file`, and the proofs of its copies in `replica`: SHA-256 of one version. */
import type { FileId, NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export interface HashRow {
	id: FileId
	size: number
	version: number
	/** Of `hash_version`; it says nothing of another version. */
	hash: Uint8Array | null
	hash_version: number
}

const FIND = 'SELECT id, size, version, hash, hash_version FROM file WHERE id = ?'

export function find(reader: Reader, id: FileId): Maybe<HashRow | undefined> {
	return reader.get<HashRow>(FIND, [id])
}

export function findQuery(id: FileId): Query {
	return [FIND, [id]]
}

/** The hash of the present version, if it is known. */
export function hashOf({ hash, hash_version, version }: Pick<HashRow, 'hash' | 'hash_version' | 'version'>): Buffer | undefined {
	return hash !== null && hash_version === version ? Buffer.from(hash) : undefined
}

/** Nothing happens when the file has another version by now. */
export function setHash(tx: Transaction, id: FileId, version: number, hash: Uint8Array): void {
	tx.write('UPDATE file SET hash = ?, hash_version = ? WHERE id = ? AND version = ?', [hash, version, id, version])
}

/** This node's copy was read whole and is what it should be. Nothing happens when the row speaks of another version by now. */
export function setProved(tx: Transaction, copy: { file: FileId; node: NodeId; version: number }, { now }: Capabilities): void {
	tx.write(`UPDATE replica SET verified_at = ${now} WHERE file_id = ? AND node_id = ? AND version = ? AND state = 1`, [
		copy.file, copy.node, copy.version,
	])
}
