/** Moments as people type them. */
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Unix seconds: `2026-11-27`, `2026-11-27T14:00` or, so long ago, `90m`, `12h`, `7d`. `option`: what it was said with. */
export function parseMoment(text: string, option: string, nowMs: number = Date.now()): number {
	const [, many, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
	if (many !== undefined) return Math.floor(nowMs / 1000) - Number(many) * UNITS[unit]
	const ms = Date.parse(text)
	if (Number.isNaN(ms)) throw new UserError(`${option}: found '${text}', allowed: a date, a date and a time, or a number with s, m, h or d`, EXIT.usage)
	return Math.floor(ms / 1000)
}
