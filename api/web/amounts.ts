/** Numbers, sizes and times as people read them, the exact value in a title. */
import { html, type Html } from './html.ts'

const GROUPED = new Intl.NumberFormat('en-GB')
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

export function count(many: number): string {
	return GROUPED.format(many)
}

/** `1 file`, `312 files`. */
export function counted(many: number, one: string, more = `${one}s`): string {
	return `${count(many)} ${many === 1 ? one : more}`
}

export function sizeText(bytes: number): string {
	let value = bytes
	let unit = 0
	while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
		value /= 1024
		unit++
	}
	return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

export function size(bytes: number): Html {
	return html`<data value="${bytes}" title="${count(bytes)} bytes">${sizeText(bytes)}</data>`
}

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400
const STEPS: ReadonlyArray<[seconds: number, unit: string]> = [
	[365 * DAY, 'y'],
	[30 * DAY, 'mo'],
	[DAY, 'd'],
	[HOUR, 'h'],
	[MINUTE, 'min'],
]

/** A span of time in one unit: `3 h`. */
export function spanText(seconds: number): string {
	for (const [length, unit] of STEPS) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`
	return `${Math.max(0, Math.floor(seconds))} s`
}

function agoText(atSeconds: number, nowSeconds: number): string {
	const seconds = nowSeconds - atSeconds
	return seconds < 5 ? 'just now' : `${spanText(seconds)} ago`
}

/** `2026-11-27 12:31:04 UTC` */
export function timeText(atSeconds: number): string {
	return `${new Date(atSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** When something was: `3 h ago`. The script keeps it true. */
export function ago(atSeconds: number, nowSeconds: number): Html {
	return moment(atSeconds, 'ago', agoText(atSeconds, nowSeconds))
}

/** How long something has lasted: `3 h`. */
export function since(atSeconds: number, nowSeconds: number): Html {
	return moment(atSeconds, 'since', spanText(nowSeconds - atSeconds))
}

function moment(atSeconds: number, kind: string, text: string): Html {
	return html`<time datetime="${new Date(atSeconds * 1000).toISOString()}" data-kind="${kind}" title="${timeText(atSeconds)}">${text}</time>`
}

export function dayText(day: number): string {
	return new Date(day * DAY * 1000).toISOString().slice(0, 10)
}

/** To one figure: it is never the same twice, and a page that is open is told what changed. */
export function roughly(ms: number): string {
	if (ms < 1) return 'under 1 ms'
	const unit = 10 ** Math.floor(Math.log10(ms))
	return `${count(Math.round(ms / unit) * unit)} ms`
}

export function percent(part: number, whole: number): string {
	if (whole === 0) return '0 %'
	const share = (100 * part) / whole
	return `${share > 0 && share < 1 ? share.toFixed(1) : Math.floor(share)} %`
}
