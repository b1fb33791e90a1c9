/**
 * What several processes may send to a site together: each says every second to which sites it sends, in how many streams, and takes the
 * part of the rate that falls to one of so many. One that begins asks at once, one that ends is noticed when its word is too old.
 */
import type { SiteId } from '../catalogue/sites.ts'

/** In how many streams each process sends to a site. */
export interface Said {
	client: number
	site: SiteId
	streams: number
}

export interface ShareTable {
	/** What this process does, in place of what it said before; and what the others do. */
	exchange(own: readonly Said[]): Promise<Said[]>
}

export interface Shares {
	/** Before a stream begins: the others know of it, and they are known. */
	ready(site: SiteId): Promise<void>
	/** A stream begins; it ends when what this returns is called. */
	begin(site: SiteId): () => void
	/** Of one site, by all processes. */
	streams(site: SiteId): number
	allStreams(): number
	/** How many processes send to a site; how many send at all. */
	processes(site: SiteId): number
	allProcesses(): number
	/** What the others do is looked at again, where streams are under way. */
	renew(): Promise<void>
}

export const SHARES_MS = 1_000

export function createShares(client: number, table: ShareTable, elapsedMs: () => number = () => performance.now()): Shares {
	const own = new Map<SiteId, number>()
	let others: Said[] = []
	let exchangedMs = Number.NEGATIVE_INFINITY
	let exchanging: Promise<void> | undefined
	/** Sites of which the others know that this process sends to them. */
	let told = new Set<SiteId>()

	async function exchange(): Promise<void> {
		const said = [...own].map(([site, streams]) => ({ client, site, streams }))
		exchangedMs = elapsedMs()
		others = (await table.exchange(said)).filter((each) => each.client !== client)
		told = new Set(said.map(({ site }) => site))
		for (const { site, streams } of said) if (streams === 0 && own.get(site) === 0) own.delete(site)
	}

	function exchangeOnce(): Promise<void> {
		exchanging ??= exchange().finally(() => {
			exchanging = undefined
		})
		return exchanging
	}

	const sum = (all: readonly Said[]) => all.reduce((total, { streams }) => total + streams, 0)
	const ofSite = (site: SiteId) => others.filter((each) => each.site === site)

	return {
		async ready(site) {
			own.set(site, own.get(site) ?? 0)
			if (!told.has(site) || elapsedMs() - exchangedMs > 2 * SHARES_MS) await exchangeOnce().catch(() => undefined)
		},
		begin(site) {
			own.set(site, (own.get(site) ?? 0) + 1)
			let isOver = false
			return () => {
				if (!isOver) own.set(site, (own.get(site) ?? 1) - 1)
				isOver = true
			}
		},
		streams: (site) => (own.get(site) ?? 0) + sum(ofSite(site)),
		allStreams: () => [...own.values()].reduce((total, streams) => total + streams, 0) + sum(others),
		processes: (site) => 1 + new Set(ofSite(site).map((each) => each.client)).size,
		allProcesses: () => 1 + new Set(others.map((each) => each.client)).size,
		async renew() {
			if (own.size > 0) await exchangeOnce()
		},
	}
}
