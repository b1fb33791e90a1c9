/**
 * Names as they can be shown: a name is bytes, and may hold what moves the cursor, turns the line around or is no text at all.
 * Whoever prints one uses this; JSON has a way of its own below.
 */
import { isUtf8 } from 'node:buffer'

/** Most text is this. For the rest tables of Unicode are needed, which are made when they are: that takes longer than many a verb. */
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/
const PLAIN_OUTPUT = /^[\n\x20-\x7e]*$/

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

/** On one line, in one direction. A backslash begins what stands for something else: `\n`, `\x1b`, `\u202e`; `\xff` is a byte that is no text. */
export function showBytes(bytes: Uint8Array): string {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
	return isUtf8(buffer) ? showText(buffer.toString()) : pieces(buffer)
}

/** Control characters, separators of lines, and marks that change the direction of what follows or cannot be seen, escaped. */
export function showText(text: string): string {
	return PLAIN.test(text) ? text : text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\\]/gu, escaped)
}

function escaped(character: string): string {
	const code = character.charCodeAt(0)
	return SHORT[character] ?? (code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : asJson(character))
}

function asJson(character: string): string {
	return [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
}

/** The last guard before a terminal, for text of any origin. JSON stays what it says, and its lines stay lines. */
export function guarded(text: string): string {
	return PLAIN_OUTPUT.test(text) ? text : text.replace(/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?!\n)\p{Cc}/gu, asJson)
}

const CHARACTER_BYTES_MAX = 4

/** What of it is text, as text. */
function pieces(buffer: Buffer): string {
	let shown = ''
	for (let at = 0; at < buffer.length; ) {
		const length = characterAt(buffer, at)
		shown += length === 0 ? `\\x${buffer[at].toString(16).padStart(2, '0')}` : showText(buffer.toString('utf8', at, at + length))
		at += Math.max(1, length)
	}
	return shown
}

/** Bytes of the character that begins there; 0 where none does. */
function characterAt(buffer: Buffer, at: number): number {
	for (let length = 1; length <= Math.min(CHARACTER_BYTES_MAX, buffer.length - at); length++) {
		if (isUtf8(buffer.subarray(at, at + length))) return length
	}
	return 0
}

/** A path of the tree, or what else a line is about, which is text already. */
export function showPath(path: string | Uint8Array): string {
	if (typeof path === 'string') return path
	return path.length === 0 ? '/' : showBytes(path)
}

/** The same in JSON. */
export function jsonPath(path: string | Uint8Array): { path: string; pathBase64?: string } {
	return typeof path === 'string' || path.length === 0 ? { path: showPath(path) } : jsonBytes('path', path)
}

/** In JSON: as text, and besides, where that loses something, the bytes themselves as `<key>Base64`. */
export function jsonBytes<Key extends string>(key: Key, bytes: Uint8Array): { [K in Key]: string } & { [K in `${Key}Base64`]?: string } {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
	const text = { [key]: buffer.toString() }
	return (isUtf8(buffer) ? text : { ...text, [`${key}Base64`]: buffer.toString('base64') }) as ReturnType<typeof jsonBytes<Key>>
}
