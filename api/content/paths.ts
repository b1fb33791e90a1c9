/** Paths in addresses: bytes, each of which may be written `%xx`. */
import { HttpError } from '../errors.ts'

const PERCENT = 0x25
/** Nothing of a path (RFC 3986, 5.2.4). rclone writes one before a name that has a colon in it. */
const HERE = /(^|\/)(?:(?:\.|%2e)(?:\/|$))+/gi

/** What stands behind the first part of an address, as bytes. That part may be written `%xx` too, and is as long as it is written. */
export function pathIn(url: string): Buffer {
	const [path] = url.split('?', 1)
	const slash = path.indexOf('/', 1)
	return decode(slash === -1 ? '' : path.slice(slash + 1).replace(HERE, '$1'))
}

function decode(text: string): Buffer {
	// Node shows the bytes of an address as Latin-1.
	const bytes = Buffer.from(text, 'latin1')
	if (!bytes.includes(PERCENT)) return bytes
	const decoded = Buffer.alloc(bytes.length)
	let length = 0
	for (let at = 0; at < bytes.length; at++) {
		if (bytes[at] !== PERCENT) decoded[length++] = bytes[at]
		else {
			const value = bytes.toString('latin1', at + 1, at + 3)
			if (!/^[0-9a-f]{2}$/i.test(value)) throw new HttpError(400, 'an address has a % that is followed by no two hexadecimal digits')
			decoded[length++] = Number.parseInt(value, 16)
			at += 2
		}
	}
	return decoded.subarray(0, length)
}

/** What may stand in a path as it is (RFC 3986, without the few that some programs read otherwise). */
const PLAIN = new Set(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$()*,=:@/'))
const ENCODED = Array.from({ length: 256 }, (_, byte) => (PLAIN.has(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`))

export function encode(path: Uint8Array): string {
	let text = ''
	for (const byte of path) text += ENCODED[byte]
	return text
}

/** The bytes of a parameter behind the question mark, `+` being a plus; undefined where it is not there. */
export function parameter(url: string, name: string): Buffer | undefined {
	const query = url.indexOf('?')
	if (query === -1) return undefined
	for (const pair of url.slice(query + 1).split('&')) {
		const equals = pair.indexOf('=')
		if ((equals === -1 ? pair : pair.slice(0, equals)) === name) return decode(equals === -1 ? '' : pair.slice(equals + 1))
	}
	return undefined
}
