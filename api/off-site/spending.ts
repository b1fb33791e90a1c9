/** Bytes sent today, by site and all together: counted here, written down every moment, read again with what other processes sent. */
import * as records from '../../core/catalogue/site-records.ts'
import type { SiteId } from '../../core/catalogue/sites.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { localDay } from '../../core/off-site/rates.ts'

const WRITTEN_MS = 2_000

export interface Spending {
	add(site: SiteId, bytes: number): void
	/** As far as it is known here. */
	today(site: SiteId): number
	todayAll(): number
	/** Takes in what others sent; throws when the catalogue is away. */
	refresh(): Promise<void>
	end(): Promise<void>
}

export function createSpending({ catalogue, capabilities, report }: Filesystem): Spending {
	let day = localDay()
	let written = new Map<SiteId, number>()
	let unwritten = new Map<SiteId, number>()
	let refreshedAtMs = Number.NEGATIVE_INFINITY
	let writing: Promise<void> | undefined

	async function write(): Promise<void> {
		const sent = unwritten
		unwritten = new Map()
		try {
			if (sent.size > 0) {
				await catalogue.transaction(function* (tx) {
					for (const [site, bytes] of sent) records.count(tx, site, day, { bytes }, capabilities)
				})
			}
			day = localDay()
			written = new Map((await records.ofDay(catalogue, day)).map((row) => [row.site_id, row.bytes]))
			refreshedAtMs = performance.now()
		} catch (error) {
			for (const [site, bytes] of sent) unwritten.set(site, (unwritten.get(site) ?? 0) + bytes)
			throw error
		}
	}

	function writeOnce(): Promise<void> {
		writing ??= write().finally(() => {
			writing = undefined
		})
		return writing
	}

	const timer = setInterval(() => {
		if (unwritten.size > 0) writeOnce().catch((error: Error) => report(`backup: ${error.message}`))
	}, WRITTEN_MS)
	timer.unref()
	const sum = (bySite: Map<SiteId, number>) => [...bySite.values()].reduce((total, bytes) => total + bytes, 0)

	return {
		add: (site, bytes) => void unwritten.set(site, (unwritten.get(site) ?? 0) + bytes),
		today: (site) => (written.get(site) ?? 0) + (unwritten.get(site) ?? 0),
		todayAll: () => sum(written) + sum(unwritten),
		refresh: async () => {
			if (performance.now() - refreshedAtMs > WRITTEN_MS) await writeOnce()
		},
		async end() {
			clearInterval(timer)
			await writeOnce().catch((error: Error) => report(`backup: what was sent last is not counted: ${error.message}`))
		},
	}
}
