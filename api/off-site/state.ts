/** What the routes of this part share: one for each door, whatever the number of its addresses. */
import { createThrottle, type Throttle } from '../../core/off-site/throttle.ts'
import { createFeeder, feed } from '../../core/off-site/feed.ts'
import { shareTable } from '../../core/off-site/share-table.ts'
import { createShares, SHARES_MS, type Shares } from '../../core/off-site/shares.ts'
import { type Buckets, createBuckets } from '../access/limits.ts'
import type { Api } from '../api.ts'
import { createKnownSites, type KnownSites } from './known-sites.ts'
import { createSpending, type Spending } from './spending.ts'

const FEED_MS = 2_000

export interface State {
	readonly sites: KnownSites
	readonly spending: Spending
	/** Of all sites. */
	readonly throttle: Throttle
	/** What other processes send at this moment. */
	readonly shares: Shares
	/** Wrong signatures, by address. */
	readonly wrong: Buckets
}

const states = new WeakMap<Api, State>()

export function stateOf(api: Api): State {
	const known = states.get(api)
	if (known) return known
	const state: State = {
		sites: createKnownSites(api.fs, api.config),
		spending: createSpending(api.fs),
		throttle: createThrottle(),
		shares: createShares(api.fs.client, shareTable(api.fs)),
		wrong: createBuckets(),
	}
	states.set(api, state)
	keepFed(api)
	keepShared(api, state.shares)
	return state
}

function keepShared({ stopping, report }: Api, shares: Shares): void {
	const timer = setInterval(() => {
		shares.renew().catch((error: Error) => report(`backup: what other doors send is not known: ${error.message}`))
	}, SHARES_MS)
	timer.unref()
	stopping.addEventListener('abort', () => clearInterval(timer))
}

/** Work is decided here as long as the door is open, by one of the doors there are. */
function keepFed({ fs, stopping, report }: Api): void {
	const feeder = createFeeder()
	let underWay = false
	const timer = setInterval(async () => {
		if (underWay) return
		underWay = true
		try {
			while (!stopping.aborted && (await feed(fs, feeder))) await new Promise(setImmediate)
		} catch (error) {
			report(`backup: deciding what sites are to fetch: ${(error as Error).message}`)
		} finally {
			underWay = false
		}
	}, FEED_MS)
	stopping.addEventListener('abort', () => clearInterval(timer))
}
