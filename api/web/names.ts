/** Names of files, which are bytes, for people and in addresses: what would not show, or would turn the line around, is written out. */
import { html, type Html } from './html.ts'

interface Piece {
	text: string
	/** What it stands for, where it is not itself. */
	odd?: string
}

/** What sets the direction of text, and what separates lines or cannot be seen. Joiners (200C, 200D) are part of words and pictures. */
export const HIDDEN = /[\p{Cc}\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/u
const WORDS: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function* pieces(bytes: Uint8Array): Generator<Piece> {
	let plain = ''
	for (const piece of characters(bytes)) {
		if (piece.odd === undefined) {
			plain += piece.text
			continue
		}
		if (plain !== '') yield { text: plain }
		plain = ''
		yield piece
	}
	if (plain !== '') yield { text: plain }
}

function* characters(bytes: Uint8Array): Generator<Piece> {
	for (let at = 0; at < bytes.length; ) {
		const length = lengthAt(bytes, at)
		const character = length === 0 ? undefined : decoded(bytes.subarray(at, at + length))
		if (character === undefined) yield byte(bytes[at++])
		else {
			at += length
			yield HIDDEN.test(character) ? hidden(character) : { text: character }
		}
	}
}

/** Of the character that begins there by its first byte; 0: none does. */
function lengthAt(bytes: Uint8Array, at: number): number {
	const first = bytes[at]
	if (first < 0x80) return 1
	if (first < 0xc2 || first > 0xf4) return 0
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

function decoded(bytes: Uint8Array): string | undefined {
	try {
		return DECODER.decode(bytes)
	} catch {
		return undefined
	}
}

function byte(value: number): Piece {
	const hex = value.toString(16).padStart(2, '0')
	return { text: `\\x${hex}`, odd: `the byte 0x${hex}, which is not UTF-8` }
}

function hidden(character: string): Piece {
	const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
	return { text: WORDS[character] ?? `\\u${code}`, odd: `the character U+${code}` }
}

/** In a page. */
export function showName(bytes: Uint8Array): Html {
	return html`<bdi class="name">${[...pieces(bytes)].map(({ text, odd }) => (odd === undefined ? text : html`<span class="odd" title="${odd}">${text}</span>`))}</bdi>`
}

/** As plain text: in titles and attributes. */
export function plainName(bytes: Uint8Array): string {
	return [...pieces(bytes)].map(({ text }) => text).join('')
}

const PLAIN_IN_URL = /[A-Za-z0-9\-._~!$'()*+,;=:@/]/

/** A path in an address, byte by byte, whatever it is. */
export function inUrl(path: Uint8Array): string {
	return Array.from(path, (value) => {
		const character = String.fromCharCode(value)
		return PLAIN_IN_URL.test(character) ? character : `%${value.toString(16).toUpperCase().padStart(2, '0')}`
	}).join('')
}

/** The bytes an address stands for. A % that is none of an escape is itself. */
export function fromUrl(text: string): Buffer {
	const bytes: number[] = []
	const raw = Buffer.from(text)
	for (let at = 0; at < raw.length; at++) {
		const digits = raw[at] === 0x25 ? /^[0-9a-f]{2}$/i.exec(raw.toString('latin1', at + 1, at + 3)) : null
		bytes.push(digits ? Number.parseInt(digits[0], 16) : raw[at])
		if (digits) at += 2
	}
	return Buffer.from(bytes)
}

/** The address of the page about what is at a path. */
export function addressOf(path: Uint8Array): string {
	return `/tree/${inUrl(path)}`
}

/** A path as a link to its page. */
export function linkTo(path: Uint8Array): Html {
	return html`<a href="${addressOf(path)}">${showName(path)}</a>`
}
