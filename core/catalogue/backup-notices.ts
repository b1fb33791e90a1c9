/** Table `backup_notice`: what agents are told of the tree. */
import type { Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import { endOfPageQuery, IS_ONE } from './bulk.ts'
import type { Capabilities, Driver, Reader, Transaction } from './driver.ts'
import type { SiteId } from './sites.ts'

export interface NoticeRow {
	id: number
	kind: 'deleted' | 'moved'
	path: Uint8Array
	at: number
}

export function insert(tx: Transaction, site: SiteId, { kind, path, at }: Omit<NoticeRow, 'id' | 'path'> & { path: Path }): void {
	tx.write('INSERT INTO backup_notice (site_id, kind, path, at) VALUES (?,?,?,?)', [site, kind, path, at])
}

/** None that says that a file was deleted where the site holds something again. */
export function after(reader: Reader, site: SiteId, id: number, limit: number): Maybe<NoticeRow[]> {
	return reader.all<NoticeRow>(
		`SELECT n.id, n.kind, n.path, n.at FROM backup_notice n WHERE n.site_id ${IS_ONE} AND n.id > ?
			AND (n.kind = 'moved' OR NOT EXISTS (SELECT 1 FROM backup b WHERE b.path = n.path AND b.site_id = n.site_id AND b.state IN (3, 4))) ORDER BY n.site_id, n.id LIMIT ?`,
		[site, id, limit],
	)
}

const LAST = '(SELECT last FROM (SELECT MAX(id) AS last FROM backup_notice) AS newest)'
const REMOVED_AT_ONCE = 10_000
/** Of no site. */
const NOBODY = 0

/**
 * Agents remember how far they are by number, so none may be given twice. SQLite counts on from the highest there is: that row stays, as
 * nobody's, until there is a higher one.
 */
export function removeUpTo(tx: Transaction, site: SiteId, id: number): void {
	tx.write(`UPDATE backup_notice SET site_id = ${NOBODY} WHERE site_id = ? AND id <= ? AND id = ${LAST}`, [site, id])
	tx.write('DELETE FROM backup_notice WHERE site_id = ? AND id <= ?', [site, id])
	tx.write(`DELETE FROM backup_notice WHERE site_id = ${NOBODY} AND id < ${LAST}`, [])
}

/** Agents may remember higher numbers than are known of here: none was ever as high as there are milliseconds since 1970. */
export function goOnFrom(tx: Transaction, number: number, { now }: Capabilities): void {
	tx.write(
		`INSERT INTO backup_notice (id, site_id, kind, path, at) SELECT CASE WHEN last >= ? THEN last + 1 ELSE ? END, ${NOBODY}, 'deleted', ?, ${now}
			FROM (SELECT COALESCE(MAX(id), 0) AS last FROM backup_notice) AS newest`,
		[number, number, Buffer.alloc(0)],
	)
}

/** Whoever goes over the whole tree finds them all again. Others write meanwhile. */
export async function removeMoved(driver: Driver): Promise<void> {
	for (let after = 0; ; ) {
		const page = await driver.get<{ last: number | null }>(...endOfPageQuery({ table: 'backup_notice' }, after, REMOVED_AT_ONCE))
		const last = page?.last ?? undefined
		if (last === undefined) return
		const range = [after, last]
		await driver.transaction(function* (tx) {
			tx.write(`UPDATE backup_notice SET site_id = ${NOBODY} WHERE kind = 'moved' AND id > ? AND id <= ? AND id = ${LAST}`, range)
			tx.write(`DELETE FROM backup_notice WHERE kind = 'moved' AND id > ? AND id <= ? AND id < ${LAST}`, range)
		})
		after = last
	}
}
