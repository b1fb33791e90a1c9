/** How sites stand: for `cairn site list` and `cairn status`. */
import { BACKUP } from '../catalogue/backups.ts'
import * as orders from '../catalogue/backup-orders.ts'
import { siteTotals } from '../stats/site-totals.ts'
import { run } from '../op.ts'
import type { Driver } from '../catalogue/driver.ts'
import * as records from '../catalogue/site-records.ts'
import * as sites from '../catalogue/sites.ts'
import { localDay } from './rates.ts'
import { readSettings, type SiteSettings } from './site-settings.ts'

export interface SiteStanding {
	name: string
	state: 'active' | 'paused'
	pausedUntil: number
	/** When its agent called last; 0: never. Its version and the like. */
	seenAt: number
	about: Record<string, unknown>
	/** Files it is to fetch because classes ask for more copies. */
	wanted: number
	claimed: number
	proved: number
	/** Could not be taken, and wait to be tried again. */
	failed: number
	/** When the proof was given that is older than all others; null without any. */
	oldestProofAt: number | null
	/** Files the keeper asked back and that are not here yet. */
	ordered: number
	today: { files: number; bytes: number; proved: number; failed: number }
	settings: SiteSettings
}

const NONE = { files: 0, bytes: 0, proved: 0, failed: 0 }

export async function standingOf(driver: Driver): Promise<SiteStanding[]> {
	const rows = await sites.list(driver, driver.capabilities)
	if (rows.length === 0) return []
	const totals = await run(siteTotals(driver))
	const open = await orders.open(driver)
	const days = await records.ofDay(driver, localDay())
	return rows.map((row) => {
		const of = (state: number) => totals.find((each) => each.site_id === row.id && each.state === state)
		const { site_id: _, ...today } = days.find((day) => day.site_id === row.id) ?? { site_id: 0, ...NONE }
		return {
			name: row.name,
			state: row.state === 'paused' && (row.paused_until === 0 || row.paused_until > row.now) ? 'paused' : 'active',
			pausedUntil: row.paused_until,
			seenAt: row.seen_at,
			about: JSON.parse(row.about) as Record<string, unknown>,
			wanted: of(BACKUP.wanted)?.many ?? 0,
			claimed: of(BACKUP.claimed)?.many ?? 0,
			proved: of(BACKUP.proved)?.many ?? 0,
			failed: of(BACKUP.failed)?.many ?? 0,
			oldestProofAt: of(BACKUP.proved)?.oldest ?? null,
			ordered: open.find((each) => each.site_id === row.id)?.many ?? 0,
			today,
			settings: readSettings(row),
		}
	})
}
