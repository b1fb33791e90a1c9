/** The few kinds of value a configuration holds. A check throws `Wrong` with the key it failed at. */
import { isIP } from 'node:net'
import { nearest } from './nearest.ts'

export type Check = (value: unknown, key: string) => void

export class Wrong extends Error {}

function refuse(key: string, value: unknown, allowed: string): never {
	throw new Wrong(`${key}: found ${show(value)}, allowed: ${allowed}`)
}

const SHOWN_CHARACTERS_MAX = 60

/** JSON has no word for NaN, which a sum with what is undefined gives, and none for a bigint. */
function show(value: unknown): string {
	const text = typeof value === 'bigint' ? `${value}n` : typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
	return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text
}

export const text: Check = (value, key) => {
	if (typeof value !== 'string') refuse(key, value, 'a text')
}

export const filledText: Check = (value, key) => {
	if (typeof value !== 'string' || value === '') refuse(key, value, 'a text that is not empty')
}

/** As much as the catalogue has room for on every engine. */
const LABEL_CHARACTERS_MAX = 255
const PATTERN_CHARACTERS_MAX = 1_024

export const label: Check = (value, key) => {
	if (typeof value !== 'string' || value.length > LABEL_CHARACTERS_MAX) refuse(key, value, `a text of at most ${LABEL_CHARACTERS_MAX} characters`)
}

/** To a server names that differ in blanks at their end are one. */
export const name: Check = (value, key) => {
	const isName = typeof value === 'string' && value !== '' && value.trim() === value && value.length <= LABEL_CHARACTERS_MAX
	if (!isName) refuse(key, value, `a text that is not empty, of at most ${LABEL_CHARACTERS_MAX} characters, without blanks around it`)
}

/** Says only that it is not a text: what was found must not be shown. */
export const secret: Check = (value, key) => {
	if (typeof value !== 'string') refuse(key, `(${typeof value})`, 'a text')
}

export const flag: Check = (value, key) => {
	if (typeof value !== 'boolean') refuse(key, value, 'true or false')
}

export function integer(least: number, most: number): Check {
	return (value, key) => {
		const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most
		if (!fits) refuse(key, value, `a whole number from ${least} to ${most}`)
	}
}

export function number(least: number, most: number): Check {
	return (value, key) => {
		const fits = typeof value === 'number' && value >= least && value <= most
		if (!fits) refuse(key, value, `a number from ${least} to ${most}`)
	}
}

const HOST_AND_PORT = /^(\[[0-9a-fA-F:]+\]|[^\s:/[\]]+):(\d{1,5})$/
const PORT_MAX = 65_535

/** Where a server listens. */
export const address: Check = (value, key) => {
	const said = String(value)
	const [, , port] = HOST_AND_PORT.exec(said) ?? []
	const fits = typeof value === 'string' && (/^unix:\/./.test(said) || (port !== undefined && Number(port) <= PORT_MAX))
	if (!fits) refuse(key, value, "host:port, such as '127.0.0.1:7780', or unix:/path")
}

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal']
const BITS_MAX = [0, 0, 0, 0, 32, 0, 128]

/** Of machines: an address, a range of them, or a name for one. */
export const network: Check = (value, key) => {
	const [, host = '', bits = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(String(value)) ?? []
	const fits = Number(bits) >= 1 && Number(bits) <= BITS_MAX[isIP(host)]
	if (!fits && !NETWORKS.includes(value as string)) refuse(key, value, `an address, a range such as '10.0.0.0/8', or ${NETWORKS.join(', ')}`)
}

const ORIGIN = /^(\*|null|[a-z][a-z\d+.-]*:\/\/[^/?#\s]+)$/

/** As browsers send it. */
export const origin: Check = (value, key) => {
	if (typeof value !== 'string' || !ORIGIN.test(value)) refuse(key, value, "'*', or an origin such as 'https://photos.example.org', with no slash at its end")
}

const DOOR = /^https?:\/\/[^?#\s]*[^/?#\s]$/

/** The address of a request follows it. */
export const door: Check = (value, key) => {
	if (typeof value !== 'string' || !DOOR.test(value) || !URL.canParse(value)) refuse(key, value, "an address such as 'http://10.0.0.2:7780', with no slash at its end")
}

/** In the tree; '/' is all of it. */
export const treePath: Check = (value, key) => {
	const isPath = typeof value === 'string' && value !== '' && !value.split('/').some((name) => name === '.' || name === '..')
	if (!isPath) refuse(key, value, "a path from the root of the tree, with no '.' and '..' in it; '/' for all of it")
}

const CRON_FIELD = /^[\dA-Za-z*,/-]+$/

/** Minute (a second before it may be left out), hour, day of the month, month, day of the week. */
const CRON_NUMBERS_MAX = [59, 59, 23, 31, 12, 7]

/** Whoever runs it knows what else its fields may say. */
export const cron: Check = (value, key) => {
	const fields = typeof value === 'string' ? value.trim().split(/\s+/) : []
	const most = CRON_NUMBERS_MAX.slice(-fields.length)
	const isField = (field: string, index: number) => CRON_FIELD.test(field) && numbersOf(field).every((number) => number <= most[index])
	const isSchedule = (fields.length === 5 || fields.length === 6) && fields.every(isField)
	if (value !== '' && !isSchedule) refuse(key, value, "a schedule as cron has it, such as '*/5 * * * *', or ''")
}

/** But for steps, which may be as wide as they like. */
function numbersOf(field: string): number[] {
	return (field.match(/(?<![\d/])\d+/g) ?? []).map(Number)
}

const HOURS = /^(\d{1,2})-(\d{1,2})$/
const HOUR_MAX = 24

export const hours: Check = (value, key) => {
	const [, from, to] = HOURS.exec(String(value)) ?? []
	const fits = from !== undefined && Number(from) <= HOUR_MAX && Number(to) <= HOUR_MAX && from !== to
	if (value !== '' && !fits) refuse(key, value, "hours of the day, such as '8-18' or '22-6', or ''")
}

export function list(check: Check): Check {
	return (value, key) => {
		if (!Array.isArray(value)) return refuse(key, value, 'a list')
		for (const [index, item] of value.entries()) check(item, `${key}[${index}]`)
	}
}

export function oneOf(...words: string[]): Check {
	return (value, key) => {
		if (!words.includes(value as string)) refuse(key, value, words.map((word) => `'${word}'`).join(', '))
	}
}

export const pattern: Check = (value, key) => {
	const isPattern = typeof value === 'string' && value.length <= PATTERN_CHARACTERS_MAX && isExpression(value)
	if (!isPattern) refuse(key, value, `a regular expression, as a text of at most ${PATTERN_CHARACTERS_MAX} characters`)
}

function isExpression(source: string): boolean {
	try {
		return new RegExp(source) instanceof RegExp
	} catch (error) {
		if (error instanceof SyntaxError) return false
		throw error
	}
}

export function record(checks: Record<string, Check>, required: readonly string[] = []): Check {
	const known = Object.keys(checks)
	return (value, key) => {
		const inner = (name: string) => (key === '' ? name : `${key}.${name}`)
		const fields = toFields(value, key, `an object with ${known.join(', ')}`)
		for (const name of Object.keys(fields)) {
			if (!known.includes(name)) throw new Wrong(`${inner(name)}: no such option; ${suggestion(name, known)}`)
			if (fields[name] !== undefined) checks[name](fields[name], inner(name))
		}
		for (const name of required) if (fields[name] === undefined) throw new Wrong(`${inner(name)}: is missing`)
	}
}

function suggestion(name: string, known: readonly string[]): string {
	const meant = nearest(name, known)
	return meant ? `the nearest is '${meant}'` : `there are: ${known.join(', ')}`
}

function toFields(value: unknown, key: string, allowed: string): Record<string, unknown> {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(key || 'the default export', value, allowed)
	return value as Record<string, unknown>
}

/** Names are free, values are alike. */
export function dictionary(check: Check): Check {
	return (value, key) => {
		for (const [name, item] of Object.entries(toFields(value, key, 'an object'))) check(item, `${key}.${name}`)
	}
}

export function filledList(check: Check): Check {
	const every = list(check)
	return (value, key) => {
		if (Array.isArray(value) && value.length === 0) refuse(key, value, 'a list of at least one')
		every(value, key)
	}
}

/** At least one, each with a name of its own. */
export function namedList(check: Check): Check {
	return (value, key) => {
		if (!Array.isArray(value) || value.length === 0) return refuse(key, value, 'a list of at least one')
		const names = new Set<unknown>()
		value.forEach((item, index) => {
			check(item, `${key}[${index}]`)
			if (names.has(item.name)) throw new Wrong(`${key}[${index}].name: '${item.name}' is there twice`)
			names.add(item.name)
		})
	}
}
