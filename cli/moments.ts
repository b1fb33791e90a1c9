/** Moments as people type them, and as they are shown to them: by the clock of this machine. */
import { UserError } from '../core/errors.ts'
import { spanSeconds } from './durations.ts'
import { EXIT } from './exit-codes.ts'

const DATE = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/
const MINUTE_MS = 60_000

/** Seconds since 1970. A date by itself is its beginning; a span is that long ago. `option`: what it was said with. */
export function timeOf(text: string, option: string): number {
	const at = DATE.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) / 1000 : Date.now() / 1000 - (spanSeconds(text) ?? Number.NaN)
	if (Number.isNaN(at)) throw new UserError(`${option}: found '${text}', allowed: a date such as 2026-11-01, '2026-11-01 12:00', or 3d for so long ago`, EXIT.usage)
	return Math.floor(at)
}

/** `2026-11-01 12:00:00`, as `timeOf` takes it. */
export function showTime(seconds: number): string {
	const at = new Date(seconds * 1000)
	return new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 19).replace('T', ' ')
}
