/** Moments as people type them. */
import { UserError } from '../core/errors.ts'
import { secondsOf } from './durations.ts'
import { EXIT } from './exit-codes.ts'

const DATE = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/

/** Seconds since 1970. A date by itself is its beginning, of this machine's day; a span is that long ago. */
export function timeOf(text: string, option: string): number {
	if (!/^\d{4}-/.test(text)) return Math.floor(Date.now() / 1000) - secondsOf(text, option)
	const at = DATE.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN
	if (Number.isNaN(at)) throw new UserError(`${option}: found '${text}', allowed: 2026-11-01, '2026-11-01 12:00', 3d`, EXIT.usage)
	return Math.floor(at / 1000)
}
