/** Where objects are in the tree: `/.blobs/COLLECTION/YYYY/MM/KEY_NAME`, so that a person finds them and a class can match them. */
import { Buffer } from 'node:buffer'
import type { Name } from '../../core/ids.ts'
import { formatKey } from './fid.ts'

const TOP = '.blobs'
/** Of objects that belong to no collection. */
const NO_COLLECTION = 'default'
const NAME_BYTES_MAX = 255
const EXTENSION_BYTES_MAX = 32

export function directoryOf(collection: string): Buffer {
	return Buffer.from(`${TOP}/${collection || NO_COLLECTION}`)
}

/** By the month of the upload: a directory does not grow for ever. */
export function monthOf(collection: string, at: Date): Name[] {
	const month = String(at.getUTCMonth() + 1).padStart(2, '0')
	return [TOP, collection || NO_COLLECTION, String(at.getUTCFullYear()), month].map((name) => Buffer.from(name))
}

/** `01_photo.jpg`; `01.jpg` where only the kind is known. */
export function nameOf(key: number, { name, extension }: { name: string; extension: string }): Name {
	const said = readable(name)
	return Buffer.from(said === '' ? `${formatKey(key)}${cut(readable(extension), EXTENSION_BYTES_MAX)}` : shortened(`${formatKey(key)}_`, said))
}

/** What a terminal would obey, and what no path may have. */
function readable(name: string): string {
	return name.replace(/[\p{Cc}/]/gu, '_')
}

/** A name that is too long keeps its end, which says what it is. */
function shortened(prefix: string, name: string): string {
	const room = NAME_BYTES_MAX - prefix.length
	if (Buffer.byteLength(name) <= room) return prefix + name
	const dot = name.lastIndexOf('.')
	const extension = dot > 0 ? cut(name.slice(dot), EXTENSION_BYTES_MAX) : ''
	return prefix + cut(name, room - Buffer.byteLength(extension)) + extension
}

/** Whole letters only. */
function cut(text: string, bytesMax: number): string {
	let end = Math.min(text.length, bytesMax)
	while (Buffer.byteLength(text.slice(0, end)) > bytesMax) end--
	return text.slice(0, end).toWellFormed()
}
