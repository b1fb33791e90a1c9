/** Table `backup_order`: what the keeper asked a site to send back, a row for each file. */
import type { Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Held } from './backups.ts'
import { IN_LIST, inLists, insertRows } from './bulk.ts'
import type { Capabilities, Driver, Query, Reader, Transaction, Value } from './driver.ts'
import type { SiteId } from './sites.ts'

/** asked: the agent is to send it; arrived: all of it is here and right; done, failed: nothing more is to be done. */
export type OrderState = 'asked' | 'arrived' | 'done' | 'failed'

export interface OrderRow extends Held {
	id: number
	site_id: SiteId
	job: string
	kind: 'restore' | 'overwrite' | 'fetch' | 'drill'
	state: OrderState
	file_id: number
	version: number
	path: Uint8Array
	to_path: Uint8Array | null
	received: number
	created: number
	began_at: number
	ended_at: number
	detail: string
}

export type NewOrder = Held & Pick<OrderRow, 'site_id' | 'job' | 'kind' | 'file_id' | 'version'> & { path: Uint8Array; to_path: Path | null }

const GIVEN = ['site_id', 'job', 'kind', 'file_id', 'version', 'path', 'to_path', 'size', 'hash', 'mode', 'uid', 'gid', 'mtime', 'mtime_ns'] as const
const COLUMNS = `id, state, received, created, began_at, ended_at, detail, ${GIVEN.join(', ')}`

export function insert(tx: Transaction, orders: readonly NewOrder[], { now }: Capabilities): void {
	const row = `(${GIVEN.map(() => '?').join(',')},'asked','',${now})`
	insertRows(tx, `INSERT INTO backup_order (${GIVEN.join(', ')}, state, detail, created)`, row, orders, (values, at, order) => {
		for (const [index, column] of GIVEN.entries()) values[at + index] = order[column] as Value
	})
}

export function ofSite(reader: Reader, site: SiteId, state: OrderState, limit: number): Maybe<OrderRow[]> {
	return reader.all<OrderRow>(`SELECT ${COLUMNS} FROM backup_order WHERE site_id = ? AND state = ? ORDER BY id LIMIT ?`, [site, state, limit])
}

export function ofJob(reader: Reader, job: string, state: OrderState, limit: number): Maybe<OrderRow[]> {
	return reader.all<OrderRow>(`SELECT ${COLUMNS} FROM backup_order WHERE job = ? AND state = ? ORDER BY id LIMIT ?`, [job, state, limit])
}

export function find(reader: Reader, id: number, site: SiteId): Maybe<OrderRow | undefined> {
	return reader.get<OrderRow>(`SELECT ${COLUMNS} FROM backup_order WHERE id = ? AND site_id = ?`, [id, site])
}

export interface JobTotals {
	state: OrderState
	many: number
	bytes: number | string | null
	received: number | string | null
}

export function totals(reader: Reader, job: string): Maybe<JobTotals[]> {
	return reader.all('SELECT state, COUNT(*) AS many, SUM(size) AS bytes, SUM(received) AS received FROM backup_order WHERE job = ? GROUP BY state', [job])
}

/** How many are not over, by site. */
export function open(reader: Reader): Maybe<Array<{ site_id: SiteId; many: number }>> {
	return reader.all("SELECT site_id, COUNT(*) AS many FROM backup_order WHERE state IN ('asked', 'arrived') GROUP BY site_id")
}

export function setReceived(driver: Driver, id: number, bytes: number): Maybe<number> {
	const { now } = driver.capabilities
	return driver.change(`UPDATE backup_order SET received = ?, began_at = CASE WHEN began_at = 0 THEN ${now} ELSE began_at END WHERE id = ?`, [bytes, id])
}

export function setState(tx: Pick<Transaction, 'write'>, id: number, { state, detail = '' }: { state: OrderState; detail?: string }, { now }: Capabilities): void {
	tx.write(`UPDATE backup_order SET state = ?, detail = ?, ended_at = ${now} WHERE id = ?`, [state, detail, id])
}

/** Of what arrived; nothing where another who took it was first. */
export function setTaken(tx: Pick<Transaction, 'write'>, id: number, { state, detail }: { state: 'done' | 'failed'; detail: string }, { now }: Capabilities): void {
	tx.write(`UPDATE backup_order SET state = ?, detail = ?, ended_at = ${now} WHERE id = ? AND state = 'arrived'`, [state, detail, id])
}

/** Those of these numbers that are there and may have bytes to keep. */
export function keepingQueries(ids: readonly number[]): Query[] {
	return inLists(ids).map((list) => [`SELECT id FROM backup_order WHERE id IN ${IN_LIST} AND state <> 'done'`, list])
}

export type OrderKey = Pick<OrderRow, 'id' | 'file_id' | 'version' | 'to_path'>

/** Of those of one command in a state, those after a number. */
export function keysAfter(reader: Reader, { job, state }: Pick<OrderRow, 'job' | 'state'>, after: number, limit: number): Maybe<OrderKey[]> {
	return reader.all('SELECT id, file_id, version, to_path FROM backup_order WHERE job = ? AND state = ? AND id > ? ORDER BY id LIMIT ?', [job, state, after, limit])
}

const REMOVED_AT_ONCE = 2_000

/** Others write meanwhile. How many there were. */
async function remove(driver: Driver, of: 'job' | 'site_id', value: string | number, states: readonly OrderState[]): Promise<number> {
	let removed = 0
	for (const state of states) {
		for (;;) {
			const page = await driver.get<{ last: number | null }>(
				`SELECT MAX(id) AS last FROM (SELECT id FROM backup_order WHERE ${of} = ? AND state = ? ORDER BY id LIMIT ?) page`,
				[value, state, REMOVED_AT_ONCE],
			)
			const last = page?.last ?? undefined
			if (last === undefined) break
			removed += await driver.change(`DELETE FROM backup_order WHERE ${of} = ? AND state = ? AND id <= ?`, [value, state, last])
		}
	}
	return removed
}

/** Of one command, those that are over. */
export async function removeOver(driver: Driver, job: string): Promise<void> {
	await remove(driver, 'job', job, ['done', 'failed'])
}

/** Of a site, those that are not. */
export function removeOpen(driver: Driver, site: SiteId): Promise<number> {
	return remove(driver, 'site_id', site, ['asked', 'arrived'])
}

/** Seconds from the first byte of a command to its last. */
export async function span(reader: Reader, job: string): Promise<number> {
	const row = await reader.get<{ began: number | null; ended: number | null }>(
		"SELECT MIN(began_at) AS began, MAX(ended_at) AS ended FROM backup_order WHERE job = ? AND state = 'done'",
		[job],
	)
	return Math.max(0, (row?.ended ?? 0) - (row?.began ?? 0))
}
