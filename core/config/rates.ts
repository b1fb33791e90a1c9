/** What a list of rates says of an hour. */
import type { RateConfig } from './types.ts'

const HOURS = /^(\d{1,2})-(\d{1,2})$/

/** Bytes per second at an hour of this machine's day: the first that fits. Undefined where nothing limits them; 0 is nothing at all. */
export function rateAt(rates: readonly RateConfig[], hour: number): number | undefined {
	return rates.find(({ hours }) => isWithin(hours, hour))?.bytesPerSecond
}

function isWithin(hours: string, hour: number): boolean {
	const [, from, to] = HOURS.exec(hours) ?? []
	if (from === undefined) return true
	const [first, end] = [Number(from) % 24, Number(to)]
	return first < end ? hour >= first && hour < end : hour >= first || hour < end
}
