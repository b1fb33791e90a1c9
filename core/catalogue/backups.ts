/** Tables `backup` and `backup_past`: what sites hold of a file, are to fetch, and held before. */
import type { FileId, Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { IN_LIST, inLists, insertRows, IS_ONE } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction, Value } from './driver.ts'
import type { SiteId } from './sites.ts'
import * as touched from './stat-touched.ts'

export const BACKUP = {
	wanted: 1,
	/** As many sites as the class asks for have it; this one would take it too. */
	spare: 2,
	claimed: 3,
	proved: 4,
	/** Could not be taken; `since` says when it is asked for again. */
	failed: 5,
} as const

/** What is known of the content a site holds: it outlives the file. */
export interface Held {
	path: Uint8Array | null
	size: number
	hash: Uint8Array | null
	mode: number
	uid: number
	gid: number
	mtime: number
	mtime_ns: number
}

export interface BackupRow extends Held {
	file_id: FileId
	site_id: SiteId
	/** Which it holds, or could not take; 0: neither. */
	version: number
	state: number
	copies: number
	since: number
	tried: number
	claimed_at: number
	proved_at: number
	challenge: Uint8Array | null
}

export interface PastRow extends Held {
	id: number
	site_id: SiteId
	file_id: FileId
	version: number
	path: Uint8Array
	claimed_at: number
	ended_at: number
}

const HELD = ['path', 'size', 'hash', 'mode', 'uid', 'gid', 'mtime', 'mtime_ns'] as const
const STATE = ['version', 'state', 'copies', 'since', 'tried', 'claimed_at', 'proved_at', 'challenge'] as const
const ALL = ['file_id', 'site_id', ...STATE, ...HELD] as const
const COLUMNS = ALL.join(', ')
const PAST = ['site_id', 'file_id', 'version', ...HELD, 'claimed_at', 'ended_at'] as const

export function isHeld({ state }: Pick<BackupRow, 'state'>): boolean {
	return state === BACKUP.claimed || state === BACKUP.proved
}

export function anyQuery(): Query {
	return ['SELECT 1 AS found FROM backup LIMIT 1', []]
}

export function ofFilesQueries(ids: readonly FileId[]): Query[] {
	return inLists(ids).map((list): Query => [`SELECT ${COLUMNS} FROM backup WHERE file_id IN ${IN_LIST}`, list])
}

/** Of files with these numbers, the first excluded: also of files that are gone. */
export function idsBetween(reader: Reader, after: FileId, last: FileId): Maybe<Array<{ file_id: FileId }>> {
	return reader.all('SELECT DISTINCT file_id FROM backup WHERE file_id > ? AND file_id <= ?', [after, last])
}

/** Which files sites keep under these paths. */
export function atPathsQueries(paths: readonly Path[]): Query[] {
	return inLists(paths).map((list): Query => [`SELECT file_id, site_id, path FROM backup WHERE path IN ${IN_LIST}`, list])
}

const DECIDED = 'INSERT INTO backup (file_id, site_id, version, state, copies, since, tried, challenge)'
const DECIDED_ROW = '(?,?,?,?,?,?,?,NULL)'

/** What is to be fetched and what is not; of what is held only that it no longer counts. */
export function decide(tx: Transaction, rows: ReadonlyArray<Pick<BackupRow, 'file_id' | 'site_id' | 'version' | 'state' | 'copies' | 'since' | 'tried'>>, { replace }: Capabilities): void {
	const put = (values: Value[], at: number, row: (typeof rows)[number]) => {
		values[at] = row.file_id
		values[at + 1] = row.site_id
		values[at + 2] = row.version
		values[at + 3] = row.state
		values[at + 4] = row.copies
		values[at + 5] = row.since
		values[at + 6] = row.tried
	}
	insertRows(tx, DECIDED, DECIDED_ROW, rows, put, replace('file_id, site_id', ['version', 'state', 'copies', 'since', 'tried', 'challenge']))
	touched.addMany(tx, rows.map(({ file_id }) => file_id))
}

/** What a site said it holds. */
export function claim(tx: Transaction, rows: readonly BackupRow[], { replace }: Capabilities): void {
	const put = (values: Value[], at: number, row: BackupRow) => {
		for (const [index, column] of ALL.entries()) values[at + index] = row[column] as Value
	}
	const end = replace('file_id, site_id', [...STATE, ...HELD])
	insertRows(tx, `INSERT INTO backup (${COLUMNS})`, `(${ALL.map(() => '?').join(',')})`, rows, put, end)
	touched.addMany(tx, rows.map(({ file_id }) => file_id))
}

export function remove(tx: Transaction, { file_id, site_id }: Pick<BackupRow, 'file_id' | 'site_id'>): void {
	tx.write('DELETE FROM backup WHERE file_id = ? AND site_id = ?', [file_id, site_id])
	touched.add(tx, file_id)
}

/** What it holds is not the file's present content any more, but may be wanted back. */
export function keepPast(tx: Transaction, row: BackupRow, at: number): void {
	if (row.path === null) return
	const values = PAST.map((column) => (column === 'ended_at' ? at : (row[column] as Value)))
	tx.write(`INSERT INTO backup_past (${PAST.join(', ')}) VALUES (${PAST.map(() => '?').join(',')})`, values)
}

export function putChallenge(tx: Transaction, { file_id, site_id }: BackupRow, key: Uint8Array): void {
	tx.write('UPDATE backup SET challenge = ? WHERE file_id = ? AND site_id = ?', [key, file_id, site_id])
}

/** Nothing happens where it is another version, or another question, by now. True when it did. */
export function setProved(tx: Transaction, row: BackupRow, { now }: Capabilities): void {
	tx.write(
		`UPDATE backup SET state = ${BACKUP.proved}, since = ${now}, proved_at = ${now}, tried = 0, challenge = NULL WHERE file_id = ? AND site_id = ? AND version = ? AND challenge = ?`,
		[row.file_id, row.site_id, row.version, row.challenge],
	)
	touched.add(tx, row.file_id)
}

/** The copy is not what it should be: it counts no more. */
export function setLost(tx: Transaction, row: BackupRow, { now }: Capabilities): void {
	tx.write(
		`UPDATE backup SET state = ${BACKUP.wanted}, version = 0, since = ${now}, tried = tried + 1, challenge = NULL WHERE file_id = ? AND site_id = ? AND version = ? AND challenge = ?`,
		[row.file_id, row.site_id, row.version, row.challenge],
	)
	touched.add(tx, row.file_id)
}

/** This version could not be taken. */
export function setFailed(tx: Transaction, row: Pick<BackupRow, 'file_id' | 'site_id' | 'version'>, seconds: number, { now }: Capabilities): void {
	tx.write(
		`UPDATE backup SET state = ${BACKUP.failed}, version = ?, since = ${now} + ?, tried = tried + 1 WHERE file_id = ? AND site_id = ? AND state IN (${BACKUP.wanted}, ${BACKUP.spare})`,
		[row.version, seconds, row.file_id, row.site_id],
	)
	touched.add(tx, row.file_id)
}

/** Some of what a site has proved. */
export function provedOf(reader: Reader, site: SiteId, limit: number): Maybe<Array<{ file_id: FileId }>> {
	return reader.all(`SELECT file_id FROM backup WHERE site_id = ? AND state = ${BACKUP.proved} LIMIT ?`, [site, limit])
}

/** It is to be proved again. */
export function setClaimed(tx: Transaction, site: SiteId, ids: readonly FileId[], { now }: Capabilities): void {
	for (const list of inLists(ids)) {
		tx.write(
			`UPDATE backup SET state = ${BACKUP.claimed}, since = ${now}, proved_at = 0, challenge = NULL WHERE site_id = ? AND state = ${BACKUP.proved} AND file_id IN ${IN_LIST}`,
			[site, ...list],
		)
	}
	touched.addMany(tx, ids)
}

/** Of one site, those longest in a state: by `since`. */
export function longestIn(reader: Reader, site: SiteId, state: number, { before, limit }: { before: string; limit: number }): Maybe<BackupRow[]> {
	return reader.all<BackupRow>(`SELECT ${COLUMNS} FROM backup WHERE site_id = ? AND state = ? AND since <= ${before} ORDER BY since, file_id LIMIT ?`, [site, state, limit])
}

export function idsOfSite(reader: Reader, site: SiteId, limit: number): Maybe<Array<{ file_id: FileId }>> {
	// By state, because that is how the index begins.
	return reader.all(`SELECT file_id FROM backup WHERE site_id = ? AND state IN (1, 2, 3, 4, 5) LIMIT ?`, [site, limit])
}

const TO_FETCH = `state IN (${BACKUP.wanted}, ${BACKUP.failed})`
const OF_SITE = `SELECT file_id FROM backup WHERE site_id ${IS_ONE} AND state ${IS_ONE} AND copies ${IS_ONE} AND file_id > ? ORDER BY site_id, state, copies, file_id LIMIT ?`
const FETCHED_FIRST = `SELECT f.class_id, COUNT(*) AS met, MAX(p.file_id) AS last,
	SUM(CASE WHEN EXISTS (SELECT 1 FROM backup o WHERE o.file_id = p.file_id AND o.site_id < ? AND o.${TO_FETCH}) THEN 0 ELSE 1 END) AS files
	FROM (${OF_SITE}) p LEFT JOIN file f ON f.id = p.file_id GROUP BY f.class_id`

/** In one state at one site, with so many copies at others. */
export interface ToFetch {
	site: SiteId
	state: typeof BACKUP.wanted | typeof BACKUP.failed
	copies: number
}

export interface ToFetchRow {
	/** Null: of files that are gone. */
	class_id: number | null
	/** Looked at, and the last of them. */
	met: number
	last: FileId
	/** Of those, files that no site of a lower number is to fetch. */
	files: number | string
}

/** By class: of a page of what a site is to fetch. */
export function toFetch(reader: Reader, { site, state, copies }: ToFetch, after: FileId, limit: number): Maybe<ToFetchRow[]> {
	return reader.all<ToFetchRow>(FETCHED_FIRST, [site, site, state, copies, after, limit])
}

export interface SiteTotals {
	site_id: SiteId
	state: number
	many: number
	oldest: number | null
}

/** Of a site, by state. Costs what it holds: for whoever looks, not for work. */
export function totals(reader: Reader, site: SiteId): Maybe<SiteTotals[]> {
	return reader.all('SELECT site_id, state, COUNT(*) AS many, MIN(since) AS oldest FROM backup WHERE site_id = ? GROUP BY site_id, state', [site])
}

const PAST_COLUMNS = `id, ${PAST.join(', ')}`

/** The first path below a directory and the first after it. */
function below(directory: Path): [Buffer, Buffer] {
	return [Buffer.concat([directory, Buffer.from('/')]), Buffer.concat([directory, Buffer.from('0')])]
}

/** Of all a site has, which may be more than a question has time for. */
const ALL_AT_ONCE = 2_000

/** What a site holds at a path or below it, under the names it has there. */
export async function* heldBelow(reader: Reader, site: SiteId, path: Path): AsyncGenerator<BackupRow[]> {
	if (path.length > 0) return yield await reader.all<BackupRow>(`SELECT ${COLUMNS} FROM backup WHERE site_id = ? AND state IN (3, 4) AND (path = ? OR (path > ? AND path < ?))`, [site, path, ...below(path)])
	for (let rows = await sample(reader, site, 0, ALL_AT_ONCE); rows.length > 0; rows = await sample(reader, site, rows[rows.length - 1].file_id + 1, ALL_AT_ONCE)) yield rows
}

export async function* pastBelow(reader: Reader, site: SiteId, path: Path): AsyncGenerator<PastRow[]> {
	if (path.length > 0) return yield await reader.all<PastRow>(`SELECT ${PAST_COLUMNS} FROM backup_past WHERE site_id = ? AND (path = ? OR (path > ? AND path < ?))`, [site, path, ...below(path)])
	const page = (after: number) => reader.all<PastRow>(`SELECT ${PAST_COLUMNS} FROM backup_past WHERE site_id = ? AND id > ? ORDER BY id LIMIT ?`, [site, after, ALL_AT_ONCE])
	for (let rows = await page(0); rows.length > 0; rows = await page(rows[rows.length - 1].id)) yield rows
}

/** What it held at the path itself. */
export function pastAt(reader: Reader, site: SiteId, path: Path): Maybe<PastRow[]> {
	return reader.all<PastRow>(`SELECT ${PAST_COLUMNS} FROM backup_past WHERE site_id = ? AND path = ?`, [site, path])
}

/** The highest number of a file a site holds. */
export async function lastOfSite(reader: Reader, site: SiteId): Promise<FileId | undefined> {
	const row = await reader.get<{ last: FileId | null }>('SELECT MAX(file_id) AS last FROM backup WHERE site_id = ? AND state IN (3, 4)', [site])
	return row?.last ?? undefined
}

/** Some of what a site holds, from a number on. */
export function sample(reader: Reader, site: SiteId, from: FileId, limit: number): Maybe<BackupRow[]> {
	return reader.all<BackupRow>(`SELECT ${COLUMNS} FROM backup WHERE site_id = ? AND state IN (3, 4) AND file_id >= ? ORDER BY file_id LIMIT ?`, [site, from, limit])
}
