/** Table `site`: who keeps copies elsewhere. */
import type { Maybe } from '../op.ts'
import * as notices from './backup-notices.ts'
import { endOfPageQuery } from './bulk.ts'
import type { Capabilities, Driver, Query, Reader, Transaction } from './driver.ts'

export type SiteId = number & { readonly __site?: never }

export interface SiteRow {
	id: SiteId
	name: string
	/** See core/off-site/site-key.ts. */
	sealed_key: Uint8Array
	state: 'active' | 'paused'
	paused_until: number
	/** JSON; see core/off-site/site-settings.ts. */
	settings: string
	agent: string
	/** JSON: what its agent said of itself. */
	about: string
	created: number
	seen_at: number
	/** By the database's clock. */
	now: number
}

export type SiteChange = Partial<Pick<SiteRow, 'sealed_key' | 'state' | 'paused_until' | 'settings' | 'agent'>>

const COLUMNS = 'id, name, sealed_key, state, paused_until, settings, agent, about, created, seen_at'

export function list(reader: Reader, { now }: Capabilities): Maybe<SiteRow[]> {
	return reader.all<SiteRow>(`SELECT ${COLUMNS}, ${now} AS now FROM site ORDER BY name`)
}

export function anyQuery(): Query {
	return ['SELECT 1 AS found FROM site LIMIT 1', []]
}

export function find(reader: Reader, name: string, { now }: Capabilities): Maybe<SiteRow | undefined> {
	return reader.get<SiteRow>(`SELECT ${COLUMNS}, ${now} AS now FROM site WHERE name = ?`, [name])
}

export function insert(tx: Transaction, site: Pick<SiteRow, 'name' | 'sealed_key' | 'state' | 'settings'>, { now }: Capabilities): void {
	tx.write(`INSERT INTO site (name, sealed_key, state, settings, about, created) VALUES (?, ?, ?, ?, '{}', ${now})`, [site.name, site.sealed_key, site.state, site.settings])
}

export function update(tx: Transaction, id: SiteId, change: SiteChange): void {
	for (const [column, value] of Object.entries(change)) tx.write(UPDATES[column as keyof SiteChange], [value, id])
}

const UPDATES: Record<keyof SiteChange, string> = {
	sealed_key: 'UPDATE site SET sealed_key = ? WHERE id = ?',
	state: 'UPDATE site SET state = ? WHERE id = ?',
	paused_until: 'UPDATE site SET paused_until = ? WHERE id = ?',
	settings: 'UPDATE site SET settings = ? WHERE id = ?',
	agent: 'UPDATE site SET agent = ? WHERE id = ?',
}

/** The first folder that speaks for a site is the one; false where another was first. */
export async function takeAgent(driver: Driver, id: SiteId, agent: string): Promise<boolean> {
	return (await driver.change("UPDATE site SET agent = ? WHERE id = ? AND agent = ''", [agent, id])) === 1
}

export function setSeen(driver: Driver, id: SiteId, about: string): Maybe<number> {
	return driver.change(`UPDATE site SET seen_at = ${driver.capabilities.now}, about = ? WHERE id = ?`, [about, id])
}

/** Paged by the numbers their rows have. */
const NUMBERED = ['backup_past', 'backup_order', 'site_log']
const ROWS_AT_ONCE = 10_000

/** With everything that is known of it, its rows in `backup` apart. The site last: what is removed half-way can be removed again. */
export async function remove(driver: Driver, id: SiteId, rest: (tx: Transaction) => void): Promise<void> {
	for (const table of NUMBERED) await removeNumbered(driver, table, id)
	await removeNonces(driver, id)
	await driver.transaction(function* (tx) {
		notices.removeUpTo(tx, id, Number.MAX_SAFE_INTEGER)
		for (const table of [...NUMBERED, 'site_day', 'site_nonce']) tx.write(`DELETE FROM ${table} WHERE site_id = ?`, [id])
		tx.write('DELETE FROM backup_leased WHERE lease_id IN (SELECT id FROM backup_lease WHERE site_id = ?)', [id])
		tx.write('DELETE FROM backup_lease WHERE site_id = ?', [id])
		tx.write('DELETE FROM site WHERE id = ?', [id])
		rest(tx)
	})
}

async function removeNumbered(driver: Driver, table: string, id: SiteId): Promise<void> {
	for (let after = 0; ; ) {
		const page = await driver.get<{ last: number | null }>(...endOfPageQuery({ table }, after, ROWS_AT_ONCE))
		const last = page?.last ?? undefined
		if (last === undefined) return
		await driver.change(`DELETE FROM ${table} WHERE site_id = ? AND id > ? AND id <= ?`, [id, after, last])
		after = last
	}
}

async function removeNonces(driver: Driver, id: SiteId): Promise<void> {
	for (;;) {
		const page = await driver.get<{ last: string | null }>('SELECT MAX(nonce) AS last FROM (SELECT nonce FROM site_nonce WHERE site_id = ? ORDER BY nonce LIMIT ?) page', [id, ROWS_AT_ONCE])
		const last = page?.last ?? undefined
		if (last === undefined) return
		await driver.change('DELETE FROM site_nonce WHERE site_id = ? AND nonce <= ?', [id, last])
	}
}
