/** Reading what a server answered: every field is looked at before it is believed. */
export class BadAnswer extends Error {}

export type Json = { readonly [key: string]: unknown }

export function objectIn(value: unknown, what: string): Json {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadAnswer(`${what} is no object`)
	return value as Json
}

export function listIn(from: Json, key: string): Json[] {
	const value = from[key]
	if (!Array.isArray(value)) throw new BadAnswer(`${key} is no list`)
	return value.map((item) => objectIn(item, `an item of ${key}`))
}

/** A whole number of zero or more. */
export function wholeIn(from: Json, key: string): number {
	const value = from[key]
	if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new BadAnswer(`${key} is no whole number`)
	return value
}

export function textIn(from: Json, key: string): string {
	const value = from[key]
	if (typeof value !== 'string') throw new BadAnswer(`${key} is no text`)
	return value
}

/** A hash, or null where the server does not know it. */
export function hashIn(from: Json, key: string): string | null {
	const value = from[key]
	if (value === null || value === undefined) return null
	if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new BadAnswer(`${key} is no hash`)
	return value
}

export function pathIn(from: Json): Buffer {
	const text = textIn(from, 'path64')
	const bytes = Buffer.from(text, 'base64')
	if (bytes.toString('base64') !== text) throw new BadAnswer('path64 is no base64')
	return bytes
}

/** For people; whatever a terminal would take for a command is shown as a question mark. */
export function shown(path: Buffer): string {
	const text = path.length > 200 ? `${path.toString('utf8', 0, 200)}…` : path.toString()
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
