/** Spans of time as people type them. */
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 }
const SPAN = /^(\d+(?:\.\d+)?)(s|m|min|h|d|w|y)$/

/** '90s', '15m', '12h', '30d', '2w', '1y'. */
function secondsOf(text: string, option: string): number {
	const seconds = spanSeconds(text)
	if (seconds === undefined) throw new UserError(`${option}: found '${text}', allowed: a span of time such as 90s, 15m, 12h, 30d, 2w, 1y`, EXIT.usage)
	return seconds
}

export function spanSeconds(text: string): number | undefined {
	const [, number, unit] = SPAN.exec(text.trim()) ?? []
	return unit === undefined ? undefined : Math.round(Number(number) * UNIT_SECONDS[unit])
}

/** The same of what is to last: none at all would be taken for no end. */
export function lastingSeconds(text: string, option: string): number {
	const seconds = secondsOf(text, option)
	if (seconds < 1) throw new UserError(`${option}: found '${text}', allowed: at least 1s`, EXIT.usage)
	return seconds
}
