/** Table `upload`: uploads that go on after a pause, at whichever door. */
import type { NodeId, Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export interface UploadRow {
	id: string
	/** 0: it has become a file. */
	node_id: NodeId
	path: Uint8Array
	/** -1: not said yet. */
	length: number
	metadata: string
	holder: string
	/** Until it is given up, by the database's clock. */
	seconds: number
}

const select = ({ now }: Capabilities) => `SELECT id, node_id, path, length, metadata, holder, expires_at - ${now} AS seconds FROM upload`

export function find(reader: Reader, id: string, capabilities: Capabilities): Maybe<UploadRow | undefined> {
	return reader.get(`${select(capabilities)} WHERE id = ?`, [id])
}

export function lockQuery(id: string, { forUpdate }: Capabilities): Query {
	return [`SELECT id, node_id FROM upload WHERE id = ?${forUpdate}`, [id]]
}

export function expired(reader: Reader, limit: number, capabilities: Capabilities): Maybe<UploadRow[]> {
	return reader.all(`${select(capabilities)} WHERE expires_at < ${capabilities.now} ORDER BY expires_at LIMIT ?`, [limit])
}

/** For how many seconds at most unfinished ones on a node are kept. */
export function keptOn(reader: Reader, node: NodeId, { now }: Capabilities): Maybe<{ many: number; seconds: number | null } | undefined> {
	return reader.get(`SELECT COUNT(*) AS many, MAX(expires_at) - ${now} AS seconds FROM upload WHERE node_id = ?`, [node])
}

export function insert(tx: Transaction, row: UploadRow & { path: Path }, { now }: Capabilities): void {
	tx.write(`INSERT INTO upload (id, node_id, path, length, metadata, holder, expires_at) VALUES (?,?,?,?,?,?,${now} + ?)`, [
		row.id, row.node_id, row.path, row.length, row.metadata, row.holder, row.seconds,
	])
}

export function goOn(tx: Transaction, id: string, { length, seconds }: { length: number; seconds: number }, { now }: Capabilities): void {
	tx.write(`UPDATE upload SET length = ?, expires_at = ${now} + ? WHERE id = ?`, [length, seconds, id])
}

export function setOver(tx: Transaction, id: string, length: number): void {
	tx.write('UPDATE upload SET node_id = 0, length = ? WHERE id = ?', [length, id])
}

export function remove(tx: Transaction, id: string): void {
	tx.write('DELETE FROM upload WHERE id = ?', [id])
}
