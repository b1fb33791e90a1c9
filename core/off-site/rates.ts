/** Bytes per second by hour of day. */
import type { RateConfig } from '../config/types.ts'

const HOURS = /^(\d{1,2})-(\d{1,2})$/

/** At an hour of this machine's day: the first that fits. Undefined where nothing limits them; 0 is nothing at all. */
export function rateAt(rates: readonly RateConfig[], hour: number): number | undefined {
	return rates.find(({ hours }) => isWithin(hours, hour))?.bytesPerSecond
}

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

function isWithin(hours: string, hour: number): boolean {
	const [, from, to] = HOURS.exec(hours) ?? []
	if (from === undefined) return true
	const [first, end] = [Number(from) % 24, Number(to)]
	return first < end ? hour >= first && hour < end : hour >= first || hour < end
}
