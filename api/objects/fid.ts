/**
 * The id of an object, as SeaweedFS writes it: `volume,key cookie[_delta]`. Key and cookie are hexadecimal and stand together:
 * the cookie has always eight digits, the key whole bytes without leading zeros.
 */
export interface Fid {
	/** 32 bits. */
	volume: number
	/** 64 bits for them; ours fit a double, and what does not is `NOT_OURS`. */
	key: number
	/** 32 bits, random: whoever knows the key of an object cannot guess it. */
	cookie: number
	/** Of several that were given out together, which; it is part of `key` already. */
	delta?: number
}

/** No key of an object of ours: well formed, and nothing is there. */
export const NOT_OURS = 0

const VOLUME = /^\d{1,10}$/
const VOLUME_MAX = 0xffff_ffff
const HEX = /^[0-9a-fA-F]+$/
const DELTA = /^\d{1,19}$/
const COOKIE_DIGITS = 8
const KEY_DIGITS_MAX = 16

export function formatFid({ volume, key, cookie }: Pick<Fid, 'volume' | 'key' | 'cookie'>): string {
	return `${volume},${formatKey(key)}${cookie.toString(16).padStart(COOKIE_DIGITS, '0')}`
}

/** Whole bytes: an even number of digits. */
export function formatKey(key: number): string {
	const digits = key.toString(16)
	return digits.length % 2 === 0 ? digits : `0${digits}`
}

/** What is wrong with it, or the id. */
export function parseFid(volume: string, keyAndCookie: string): Fid | string {
	const number = parseVolume(volume)
	if (number === undefined) return `volume id '${volume}' is not a number of 32 bits`
	const [, digits, delta] = /^([^_]*)(?:_(.*))?$/s.exec(keyAndCookie) ?? []
	if (digits === undefined) return 'the file id cannot be read'
	if (digits.length <= COOKIE_DIGITS) return `file id '${keyAndCookie}' is too short`
	if (digits.length > COOKIE_DIGITS + KEY_DIGITS_MAX) return `file id '${keyAndCookie}' is too long`
	if (!HEX.test(digits)) return `file id '${keyAndCookie}' is not hexadecimal`
	if (delta !== undefined && !DELTA.test(delta)) return `'_${delta}' is not a number`
	const key = BigInt(`0x${digits.slice(0, -COOKIE_DIGITS)}`) + BigInt(delta ?? 0)
	const cookie = Number.parseInt(digits.slice(-COOKIE_DIGITS), 16)
	if (key > Number.MAX_SAFE_INTEGER) return { volume: number, key: NOT_OURS, cookie }
	return { volume: number, key: Number(key), cookie, ...(delta === undefined ? {} : { delta: Number(delta) }) }
}

export function parseVolume(text: string): number | undefined {
	return VOLUME.test(text) && Number(text) <= VOLUME_MAX ? Number(text) : undefined
}

/** The one it was given out as: all that were given out together have one. */
export function assignedFid({ volume, key, cookie, delta = 0 }: Fid): string {
	return formatFid({ volume, key: key - delta, cookie })
}

/** `3,01637037d6`, as it stands in parameters. */
export function splitFid(text: string): [volume: string, keyAndCookie: string] {
	const comma = text.indexOf(',')
	return comma === -1 ? [text, ''] : [text.slice(0, comma), text.slice(comma + 1)]
}
