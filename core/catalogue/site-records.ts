/** Tables `site_log`, `site_day` and `site_nonce`: what sites did, by line and by day, and which of their requests were seen. */
import type { Maybe } from '../op.ts'
import type { Capabilities, Driver, Reader, Transaction } from './driver.ts'
import type { SiteId } from './sites.ts'

export interface LogRow {
	id: number
	site_id: SiteId
	at: number
	what: string
	detail: string
}

const DETAIL_CHARACTERS_MAX = 500
const LOG_DAYS = 90
const NONCE_SECONDS = 1_800
/** A hundred years. */
const FOR_GOOD_SECONDS = 100 * 365 * 86_400
const DELETED_AT_ONCE = 5_000

export function log(tx: Pick<Transaction, 'write'>, site: SiteId, line: { what: string; detail: string }, { now }: Capabilities): void {
	const detail = line.detail.slice(0, DETAIL_CHARACTERS_MAX)
	tx.write(`INSERT INTO site_log (site_id, at, what, detail) VALUES (?, ${now}, ?, ?)`, [site, line.what, detail])
}

/** The newest last. */
export async function lastLines(reader: Reader, site: SiteId, limit: number): Promise<LogRow[]> {
	const rows = await reader.all<LogRow>('SELECT id, site_id, at, what, detail FROM site_log WHERE site_id = ? ORDER BY id DESC LIMIT ?', [site, limit])
	return rows.reverse()
}

export interface DayCounts {
	files: number
	bytes: number
	proved: number
	failed: number
}

export function count(tx: Pick<Transaction, 'write'>, site: SiteId, day: number, counts: Partial<DayCounts>, { replace }: Capabilities): void {
	const { files = 0, bytes = 0, proved = 0, failed = 0 } = counts
	// A row to add to; of one that is there its own value is kept.
	tx.write(`INSERT INTO site_day (site_id, day) VALUES (?, ?) ${replace('site_id, day', ['site_id'])}`, [site, day])
	tx.write('UPDATE site_day SET files = files + ?, bytes = bytes + ?, proved = proved + ?, failed = failed + ? WHERE site_id = ? AND day = ?', [
		files, bytes, proved, failed, site, day,
	])
}

export function ofDay(reader: Reader, day: number): Maybe<Array<{ site_id: SiteId } & DayCounts>> {
	return reader.all('SELECT site_id, files, bytes, proved, failed FROM site_day WHERE day = ?', [day])
}

/** False where it was used before. */
export async function useNonce(driver: Driver, site: SiteId, nonce: string): Promise<boolean> {
	return await use(driver, site, nonce, 0)
}

/** The same of one that says nothing of when it was made: it is remembered as long as there is the site. */
export async function useForGood(driver: Driver, site: SiteId, nonce: string): Promise<boolean> {
	return await use(driver, site, nonce, FOR_GOOD_SECONDS)
}

async function use(driver: Driver, site: SiteId, nonce: string, longerSeconds: number): Promise<boolean> {
	const { insertIgnore, now } = driver.capabilities
	return (await driver.change(`${insertIgnore} INTO site_nonce (site_id, nonce, at) VALUES (?, ?, ${now} + ?)`, [site, nonce, longerSeconds])) === 1
}

/** Some of what is too old to matter; whether there may be more. */
export async function prune(driver: Driver): Promise<boolean> {
	const { now } = driver.capabilities
	const [nonces, lines] = await driver.read(
		[`SELECT site_id, nonce FROM site_nonce WHERE at < ${now} - ${NONCE_SECONDS} ORDER BY at LIMIT ${DELETED_AT_ONCE}`, []],
		[`SELECT id, ${now} - at AS age FROM site_log ORDER BY id LIMIT ${DELETED_AT_ONCE}`, []],
	)
	const old = lines.filter(({ age }) => age > LOG_DAYS * 86_400)
	const last = old.at(-1)
	if (nonces.length === 0 && !last) return false
	await driver.transaction(function* (tx) {
		for (const { site_id, nonce } of nonces) tx.write('DELETE FROM site_nonce WHERE site_id = ? AND nonce = ?', [site_id, nonce])
		if (last) tx.write('DELETE FROM site_log WHERE id <= ?', [last.id])
	})
	return nonces.length === DELETED_AT_ONCE || old.length === DELETED_AT_ONCE
}
