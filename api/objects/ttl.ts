/** How long an object lives: `3m 4h 5d 6w 7M 8y`, a plain number being minutes. A month has 30 days, a year 365. */
export interface Ttl {
	/** As it is written; '' for ever. */
	text: string
	/** 0: for ever. */
	seconds: number
}

const FOR_EVER: Ttl = { text: '', seconds: 0 }
const MINUTE = 60
const DAY = 86_400
const SECONDS: Record<string, number> = { m: MINUTE, h: 60 * MINUTE, d: DAY, w: 7 * DAY, M: 30 * DAY, y: 365 * DAY }
/** They keep it in a byte. */
const COUNT_MAX = 255

/** Undefined: it is none. */
export function parseTtl(text: string): Ttl | undefined {
	if (text === '') return FOR_EVER
	const [, digits, unit = 'm'] = /^(\d{1,3})([mhdwMy])?$/.exec(text) ?? []
	const count = Number(digits)
	if (digits === undefined || count > COUNT_MAX) return undefined
	return count === 0 ? FOR_EVER : { text: `${count}${unit}`, seconds: count * SECONDS[unit] }
}
