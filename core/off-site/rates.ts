/** Rates by hour of day, and days, as this machine has them now. */
import { rateAt } from '../config/rates.ts'
import type { RateConfig } from '../config/types.ts'

export function rateNow(rates: readonly RateConfig[]): number | undefined {
	return rateAt(rates, new Date().getHours())
}

/** Seconds until an hour begins that is not closed; a day where all are. */
export function opensInSeconds(rates: readonly RateConfig[]): number {
	const at = new Date()
	for (let hours = 1; hours <= 24; hours++) {
		if (rateAt(rates, (at.getHours() + hours) % 24) === 0) continue
		return hours * 3600 - at.getMinutes() * 60 - at.getSeconds()
	}
	return 86_400
}

/** Days since 1970 as people at this machine have them. */
export function localDay(): number {
	const at = new Date()
	return Math.floor((at.getTime() / 1000 - at.getTimezoneOffset() * 60) / 86_400)
}

export function secondsToMidnight(): number {
	const at = new Date()
	return 86_400 - (at.getHours() * 3600 + at.getMinutes() * 60 + at.getSeconds())
}
