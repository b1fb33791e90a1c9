/** Sites by name, with the copy there that was proved longest ago. */
import { BACKUP } from './backups.ts'
import type { Query } from './driver.ts'

export interface SiteProof {
	id: number
	name: string
	state: string
	/** Unix seconds. */
	seen_at: number
	oldest: number | null
}

/** One look at an index for each site. */
export function provedQuery(): Query {
	return [`SELECT s.id, s.name, s.state, s.seen_at, (
		SELECT b.proved_at FROM backup b WHERE b.site_id = s.id AND b.state = ${BACKUP.proved} ORDER BY b.since LIMIT 1
	) AS oldest FROM site s ORDER BY s.id`, []]
}
