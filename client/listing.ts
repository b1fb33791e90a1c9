/**
 * An open directory. The kernel resumes a listing at the cookie of an entry; a cookie is the entry's place in the order of
 * this listing, and the names behind the last of them are kept, so that going on from any of these starts from a name and
 * is right whatever came or went meanwhile.
 */
import type { ListedRow } from '../core/catalogue/entries.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { list } from '../core/filesystem/list.ts'
import type { Op } from '../core/op.ts'

const NAMES_KEPT_MAX = 8_192
/** `.` and `..` come before the first name. */
export const DOTS = 2

export interface Listing {
	directory: number
	/** The names at cookies `from`, `from + 1`, ... */
	names: Uint8Array[]
	from: number
	/** Rows read and not yet given out: the first has cookie `next`. */
	ahead: ListedRow[]
	next: number
	ended: boolean
	/** Entries of files come with their attributes, where the kernel asks for them. */
	withAttributes: boolean
}

export function openListing(directory: number): Listing {
	return { directory, names: [], from: DOTS + 1, ahead: [], next: DOTS + 1, ended: false, withAttributes: true }
}

/** The rows that follow a cookie, up to `limit` or as many as are at hand; none at the end. */
export function* rowsAfter(fs: Filesystem, listing: Listing, cookie: number, limit: number): Op<ListedRow[]> {
	if (cookie + 1 !== listing.next) rewind(listing, cookie)
	if (listing.ahead.length === 0 && !listing.ended) {
		const rows = yield* list(fs, listing.directory, lastName(listing), limit)
		listing.ended = rows.length < limit
		listing.ahead = rows
	}
	return listing.ahead
}

const FIRST = Buffer.alloc(0)

function lastName(listing: Listing): Uint8Array {
	return listing.names[listing.names.length - 1] ?? FIRST
}

/** The first `count` rows at hand were given to the kernel. */
export function given(listing: Listing, count: number): void {
	for (let i = 0; i < count; i++) listing.names.push(listing.ahead[i].name)
	listing.ahead = listing.ahead.slice(count)
	listing.next += count
	const surplus = listing.names.length - NAMES_KEPT_MAX
	if (surplus < NAMES_KEPT_MAX) return
	listing.names.splice(0, surplus)
	listing.from += surplus
}

/** Goes on after an entry given out before; from the beginning, the listing is a new one. */
function rewind(listing: Listing, cookie: number): void {
	const known = cookie - listing.from
	const keep = cookie <= DOTS ? 0 : known >= 0 && known < listing.names.length ? known + 1 : 0
	listing.names.length = keep
	if (keep === 0) listing.from = DOTS + 1
	listing.next = listing.from + keep
	listing.ahead = []
	listing.ended = false
	// A place too long ago to be remembered: nothing more to say rather than something wrong.
	if (keep === 0 && cookie > DOTS) Object.assign(listing, { ended: true, next: cookie + 1 })
}
