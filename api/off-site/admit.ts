/** Whether a site may fetch something now: paused, closed at this hour, or through with the day. */
import { opensInSeconds, rateNow, secondsToMidnight } from '../../core/off-site/rates.ts'
import type { Api } from '../api.ts'
import { Refusal } from './failure.ts'
import type { Site } from './known-sites.ts'
import { stateOf } from './state.ts'

const PAUSED_SECONDS = 3_600
const STREAM_SECONDS = 1

/** 0: it is not. */
export function pausedSeconds({ row }: Site): number {
	if (row.state !== 'paused') return 0
	if (row.paused_until === 0) return PAUSED_SECONDS
	const left = row.paused_until - Math.floor(Date.now() / 1000)
	return Math.max(0, left)
}

export function refusePaused(site: Site): void {
	const retryAfterS = pausedSeconds(site)
	if (retryAfterS > 0) throw new Refusal(503, 'paused', `${site.row.name} is paused by its keeper`, { retryAfterS })
}

/** Undefined: no limit. */
export function bytesLeft(api: Api, { row, limits }: Site): number | undefined {
	const { spending } = stateOf(api)
	const { bytesPerDay } = api.config.backup
	const left = [
		...(limits.bytesPerDay > 0 ? [limits.bytesPerDay - spending.today(row.id)] : []),
		...(bytesPerDay > 0 ? [bytesPerDay - spending.todayAll()] : []),
	]
	return left.length === 0 ? undefined : Math.max(0, Math.min(...left))
}

export async function admit(api: Api, site: Site): Promise<void> {
	refusePaused(site)
	for (const rates of [site.limits.rates, api.config.backup.rates]) {
		if (rateNow(rates) === 0) throw new Refusal(503, 'closed-hour', 'nothing is sent in this hour', { retryAfterS: opensInSeconds(rates) })
	}
	await stateOf(api).spending.refresh()
	if (bytesLeft(api, site) === 0) throw new Refusal(429, 'slow-down', "the day's bytes are used up", { retryAfterS: secondsToMidnight() })
}

/** Ends with what it returns being called. */
export async function takeStream(api: Api, site: Site): Promise<() => void> {
	const { shares } = stateOf(api)
	await shares.ready(site.row.id)
	if (shares.streams(site.row.id) >= site.limits.parallel) {
		throw new Refusal(429, 'slow-down', `${site.limits.parallel} downloads at once and no more`, { retryAfterS: STREAM_SECONDS })
	}
	if (shares.allStreams() >= api.config.backup.streams) throw new Refusal(429, 'slow-down', 'too many downloads at the moment', { retryAfterS: STREAM_SECONDS })
	return shares.begin(site.row.id)
}
