/** Times as ISO 8601 writes them, as `Date` does, for who writes thousands at a time: a day is put into words once. */
const DAY_SECONDS = 86_400
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

let day = Number.NaN
let dayText = ''

/** Seconds since 1970, and milliseconds from 0 to 999. */
export function timeText(seconds: number, ms: number): string {
	const which = Math.floor(seconds / DAY_SECONDS)
	if (which !== day) {
		const text = new Date(which * DAY_SECONDS * 1000).toISOString()
		day = which
		dayText = text.slice(0, text.indexOf('T') + 1)
	}
	const rest = seconds - which * DAY_SECONDS
	const minutes = Math.floor(rest / 60)
	return `${dayText}${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[rest % 60]}.${String(ms).padStart(3, '0')}Z`
}
