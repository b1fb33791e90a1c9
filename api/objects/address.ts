/** The five forms of an object's address: `/3,01..`, `/3,01...jpg`, `/3/01..`, `/3/01...jpg`, `/3/01../name.jpg`. */
import { type Fid, parseFid, splitFid } from './fid.ts'

export interface Address {
	fid: Fid
	/** As in the address; '' where it has none. */
	name: string
	/** `.jpg`, with its dot; '' where there is none. */
	extension: string
}

/** Decoded parts of the path: one, two or three. A string is what is wrong with it. */
export function parseAddress(parts: readonly string[]): Address | string {
	const [first, second, name = ''] = parts
	const [volume, rest] = second === undefined ? splitFid(first) : [first, second]
	// The third part is a name, and then the second has no extension.
	const [id, extension] = name === '' ? cutExtension(rest) : [rest, cutExtension(name)[1]]
	const fid = parseFid(volume, id)
	return typeof fid === 'string' ? fid : { fid, name, extension }
}

function cutExtension(text: string): [rest: string, extension: string] {
	const dot = text.lastIndexOf('.')
	return dot > 0 ? [text.slice(0, dot), text.slice(dot)] : [text, '']
}
