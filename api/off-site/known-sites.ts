/** The sites as this process knows them: few rows, read whole, and again when they are older than a moment. */
import * as siteTable from '../../core/catalogue/sites.ts'
import type { SiteRow } from '../../core/catalogue/sites.ts'
import type { Config } from '../../core/config/types.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { sealingKey } from '../../core/off-site/seal.ts'
import { openSiteKey } from '../../core/off-site/site-key.ts'
import { type Limits, limitsOf, readSettings, type SiteSettings } from '../../core/off-site/site-settings.ts'
import { createThrottle, type Throttle } from '../../core/off-site/throttle.ts'

/** What the keeper changed holds after this long at the latest. */
const KNOWN_MS = 1_000

export interface Site {
	row: SiteRow
	key: string
	settings: SiteSettings
	limits: Limits
	/** As long as this process lives. */
	readonly throttle: Throttle
	readonly lastRefusalsMs: Map<string, number>
}

export interface KnownSites {
	find(name: string): Promise<Site | undefined>
	/** As it was known last; nobody waits for it to be read again. */
	known(name: string): Site | undefined
	/** One that is set to the old protocol, by the name it has there. */
	findLegacy(identity: string): Promise<Site | undefined>
	/** Read again before the next question. */
	forget(): void
}

export function createKnownSites({ catalogue, capabilities, report }: Filesystem, { backup }: Config): KnownSites {
	const sites = new Map<string, Site>()
	let sealing: Buffer | undefined
	let readAtMs = Number.NEGATIVE_INFINITY
	let reading: Promise<void> | undefined

	async function read(): Promise<void> {
		const startedMs = performance.now()
		const rows = await siteTable.list(catalogue, capabilities)
		// Without any site there need not be a key to theirs.
		if (rows.length > 0) sealing ??= sealingKey(backup.keyFile)
		for (const row of rows) take(row)
		for (const name of sites.keys()) if (!rows.some((row) => row.name === name)) sites.delete(name)
		readAtMs = startedMs
	}

	function take(row: SiteRow): void {
		const key = openSiteKey(sealing as Buffer, row)
		if (key === undefined) {
			report(`site ${row.name}: its key does not open with ${backup.keyFile}; cairn site rotate-key makes a new one`)
			sites.delete(row.name)
			return
		}
		const settings = readSettings(row)
		const known = sites.get(row.name)
		const fresh = { row, key, settings, limits: limitsOf(settings, backup) }
		if (known) Object.assign(known, fresh)
		else sites.set(row.name, { ...fresh, throttle: createThrottle(), lastRefusalsMs: new Map() })
	}

	async function readIfOld(): Promise<void> {
		if (performance.now() - readAtMs <= KNOWN_MS) return
		reading ??= read().finally(() => {
			reading = undefined
		})
		await reading
	}

	return {
		async find(name) {
			await readIfOld()
			return sites.get(name)
		},
		known(name) {
			// Whoever has to know asks, and hears of it.
			readIfOld().catch(() => undefined)
			return sites.get(name)
		},
		async findLegacy(identity) {
			await readIfOld()
			return [...sites.values()].find(({ row, settings }) => settings.legacy && (settings.identity ?? row.name) === identity)
		},
		forget() {
			readAtMs = Number.NEGATIVE_INFINITY
		},
	}
}
