/** Tables `backup_lease` and `backup_leased`: which files which agent is fetching now. The key of the second lets no file be in two leases. */
import type { FileId, Path } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import { BACKUP } from './backups.ts'
import { IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Capabilities, Driver, Query, Reader, Transaction } from './driver.ts'
import type { SiteId } from './sites.ts'
import * as touched from './stat-touched.ts'

/** A file an agent could fetch. */
export interface Work {
	id: FileId
	version: number
	size: number
	hash: Uint8Array | null
	mode: number
	mtime: number
	mtime_ns: number
}

/** The batch first, from the index that has its order; only then what is to be known of its files. What is leased is joined: of a `NOT EXISTS` MariaDB reads all leases. */
function workQuery(order: string, fields: string): string {
	return `SELECT f.id, f.version, f.size, CASE WHEN f.hash_version = f.version THEN f.hash END AS hash, f.mode, f.mtime, f.mtime_ns
		FROM (SELECT b.file_id, ${fields} FROM backup b LEFT JOIN backup_leased l ON l.file_id = b.file_id WHERE b.site_id = ? AND b.state = ?
			AND l.file_id IS NULL ORDER BY ${order} LIMIT ?) b
		JOIN file f ON f.id = b.file_id WHERE f.version > 0 ORDER BY ${order}`
}

const FEWEST_FIRST = workQuery('b.copies, b.file_id', 'b.copies')
const NEWEST_FIRST = workQuery('b.since DESC, b.file_id DESC', 'b.since')

export function fewestFirst(reader: Reader, site: SiteId, state: number, limit: number): Maybe<Work[]> {
	return reader.all<Work>(FEWEST_FIRST, [site, state, limit])
}

export function newestFirst(reader: Reader, site: SiteId, limit: number): Maybe<Work[]> {
	return reader.all<Work>(NEWEST_FIRST, [site, BACKUP.wanted, limit])
}

/** Leases that are over give back what was not reported; failures whose time has come are wanted again. */
export function* renewWork(tx: Transaction, site: SiteId, { now }: Capabilities): Op<void> {
	const over = yield* wait(tx.all<{ id: string }>(`SELECT id FROM backup_lease WHERE until_at <= ${now}`))
	for (const { id } of over) end(tx, id)
	touched.addOfBackups(tx, `site_id = ? AND state = ${BACKUP.failed} AND since <= ${now}`, [site])
	tx.write(`UPDATE backup SET state = ${BACKUP.wanted} WHERE site_id = ? AND state = ${BACKUP.failed} AND since <= ${now}`, [site])
}

export function live(reader: Reader, site: SiteId, { now }: Capabilities): Maybe<Array<{ id: string; until_at: number }>> {
	return reader.all(`SELECT id, until_at FROM backup_lease WHERE site_id = ? AND until_at > ${now}`, [site])
}

export interface NewLease {
	id: string
	site: SiteId
	seconds: number
}

/** What somebody else took in the same moment is left out: ask `ofLease` for what it has. */
export function insert(tx: Transaction, { id, site, seconds }: NewLease, files: ReadonlyArray<{ id: FileId; version: number; path: Path }>, { now, insertIgnore }: Capabilities): void {
	tx.write(`INSERT INTO backup_lease (id, site_id, until_at) VALUES (?, ?, ${now} + ?)`, [id, site, seconds])
	insertRows(tx, `${insertIgnore} INTO backup_leased (file_id, lease_id, version, path)`, '(?,?,?,?)', files, (values, at, file) => {
		values[at] = file.id
		values[at + 1] = id
		values[at + 2] = file.version
		values[at + 3] = file.path
	})
}

export function ofLease(reader: Reader, id: string): Maybe<Array<{ file_id: FileId }>> {
	return reader.all('SELECT file_id FROM backup_leased WHERE lease_id = ?', [id])
}

/** False where it is over, or another's. */
export async function renew(driver: Driver, { id, site, seconds }: NewLease): Promise<number | undefined> {
	const { now, forUpdate } = driver.capabilities
	return await driver.transaction(function* (tx) {
		const row = yield* wait(tx.get<{ now: number }>(`SELECT ${now} AS now FROM backup_lease WHERE id = ? AND site_id = ? AND until_at > ${now}${forUpdate}`, [id, site]))
		if (!row) return undefined
		tx.write('UPDATE backup_lease SET until_at = ? WHERE id = ?', [row.now + seconds, id])
		return row.now + seconds
	})
}

export function end(tx: Transaction, id: string): void {
	tx.write('DELETE FROM backup_leased WHERE lease_id = ?', [id])
	tx.write('DELETE FROM backup_lease WHERE id = ?', [id])
}

/** All a site has; which there were. */
export function* endAll(tx: Transaction, site: SiteId): Op<number> {
	const rows = yield* wait(tx.all<{ id: string }>('SELECT id FROM backup_lease WHERE site_id = ?', [site]))
	for (const { id } of rows) end(tx, id)
	return rows.length
}

/** Of these files, what this site has leased. */
export function leasedQueries(site: SiteId, ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list): Query => [
		`SELECT l.file_id, l.version, l.path FROM backup_leased l JOIN backup_lease b ON b.id = l.lease_id WHERE b.site_id = ? AND l.file_id IN ${IN_LIST}`,
		[site, ...list],
	])
}

/** Whether a site may fetch that version of a file now. */
export function find(reader: Reader, site: SiteId, file: FileId, { now }: Capabilities): Maybe<{ version: number } | undefined> {
	return reader.get(
		`SELECT l.version FROM backup_leased l JOIN backup_lease b ON b.id = l.lease_id WHERE l.file_id = ? AND b.site_id = ? AND b.until_at > ${now}`,
		[file, site],
	)
}

/** The same of many: by file. */
export async function versionsOf(reader: Reader, site: SiteId, ids: readonly FileId[], { now }: Capabilities): Promise<Map<FileId, number>> {
	if (ids.length === 0) return new Map()
	const text = `SELECT l.file_id, l.version FROM backup_leased l JOIN backup_lease b ON b.id = l.lease_id WHERE b.site_id = ? AND b.until_at > ${now} AND l.file_id IN ${IN_LIST}`
	const rows = (await reader.read(...inLists(ids).map((list): Query => [text, [site, ...list]]))) as Array<Array<{ file_id: FileId; version: number }>>
	return new Map(rows.flat().map((row) => [row.file_id, row.version]))
}

/** These are dealt with; a lease with nothing left is over. */
export function done(tx: Transaction, site: SiteId, ids: readonly FileId[]): void {
	for (const list of inLists(ids)) {
		tx.write(`DELETE FROM backup_leased WHERE file_id IN ${IN_LIST} AND lease_id IN (SELECT id FROM backup_lease WHERE site_id = ?)`, [...list, site])
	}
	tx.write('DELETE FROM backup_lease WHERE site_id = ? AND NOT EXISTS (SELECT 1 FROM backup_leased l WHERE l.lease_id = backup_lease.id)', [site])
}
