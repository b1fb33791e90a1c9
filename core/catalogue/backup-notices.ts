/** Table `backup_notice`: what agents are told of the tree. */
import type { Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Driver, Reader, Transaction } from './driver.ts'
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

/** Not of a path at which the site holds something again. */
export function after(reader: Reader, site: SiteId, id: number, limit: number): Maybe<NoticeRow[]> {
	return reader.all<NoticeRow>(
		`SELECT n.id, n.kind, n.path, n.at FROM backup_notice n WHERE n.site_id = ? AND n.id > ?
			AND NOT EXISTS (SELECT 1 FROM backup b WHERE b.path = n.path AND b.site_id = n.site_id AND b.state IN (3, 4)) ORDER BY n.id LIMIT ?`,
		[site, id, limit],
	)
}

export function removeUpTo(driver: Driver, site: SiteId, id: number): Maybe<number> {
	return driver.change('DELETE FROM backup_notice WHERE site_id = ? AND id <= ?', [site, id])
}
