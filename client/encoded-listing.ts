/**
 * Whole directories as they go to the kernel, with attributes of directories only, made once: as long as the rows they were made of are
 * kept, and no longer, they say the same.
 */
import type { ListedRow, NamedRow } from '../core/catalogue/entries.ts'
import type { Door } from './door.ts'
import { ENTRY_OUT_BYTES } from './fuse/protocol.ts'
import { putRow } from './listed-entry.ts'
import { type PackedNames, packNames } from './listing.ts'

type Rows = ReadonlyArray<NamedRow | ListedRow>

export interface EncodedListing {
	bytes: Buffer
	/** Where the cookie of each entry goes: it is another one each time. */
	cookiesAt: readonly number[]
	names: PackedNames
}

export interface Encodings {
	of(rows: Rows): EncodedListing
}

/** Of struct fuse_dirent, whose name is padded to 8 bytes. */
const COOKIE_AT = 8
const DIRENT_BYTES_MAX = 24 + 255 + 1

export function createEncodings(door: Door): Encodings {
	const made = new WeakMap<Rows, EncodedListing>()
	return {
		of(rows) {
			const known = made.get(rows)
			if (known) return known
			const encoded = encode(door, rows)
			made.set(rows, encoded)
			return encoded
		},
	}
}

function encode(door: Door, rows: Rows): EncodedListing {
	const room = Buffer.allocUnsafeSlow(rows.length * (ENTRY_OUT_BYTES + DIRENT_BYTES_MAX))
	const out = { bytes: room, view: new DataView(room.buffer), at: 0 }
	const cookiesAt: number[] = []
	let at = 0
	for (const row of rows) {
		cookiesAt.push(at + ENTRY_OUT_BYTES + COOKIE_AT)
		at += putRow(door, out, { at, end: room.length }, { row, cookie: 0, plus: true, withAttributes: false })
	}
	return { bytes: Buffer.from(room.subarray(0, at)), cookiesAt, names: packNames(rows.map(({ name }) => name)) }
}
