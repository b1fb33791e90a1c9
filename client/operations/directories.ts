/** Listing directories. */
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { list, listNames } from '../../core/filesystem/list.ts'
import type { Op } from '../../core/op.ts'
import type { Door, Operation } from '../door.ts'
import { createEncodings, type Encodings } from '../encoded-listing.ts'
import { putDirectoryEntry, putNegativeEntry, putNumber64 } from '../fuse/encode.ts'
import { ENTRY_OUT_BYTES, OPEN_OUT_BYTES } from '../fuse/protocol.ts'
import { u32, u64 } from '../fuse/request.ts'
import type { Handler, Out, Reply } from '../fuse/session.ts'
import { NO_VALIDITY, putRow } from '../listed-entry.ts'
import { DOTS, givenBefore, packNames, PART_ROWS_MAX, type Place } from '../listing.ts'

const DOT_NAMES = [Buffer.from('.'), Buffer.from('..')]
const ORDINARY_ENTRY_BYTES = 40
const DOTS_BYTES = DOTS * (ENTRY_OUT_BYTES + 32)

/** A kernel that knows this answer never asks again, nor tells when a directory is closed, and keeps listings. An older one gets no handle. */
export const opendir: Operation = (door) =>
	function* () {
		if (door.agreed.withoutOpendir) fail('ENOSYS')
		return ({ view, at }) => {
			putNumber64(view, at, 0)
			putNumber64(view, at + 8, 0)
			return OPEN_OUT_BYTES
		}
	}

export const releasedir: Operation = () =>
	function* () {
		return undefined
	}

export const readdir: Operation = (door) => listInto(door, false)
export const readdirplus: Operation = (door) => listInto(door, true)

function listInto(door: Door, plus: boolean): Handler {
	const encodings = createEncodings(door)
	return function* (request) {
		const cookie = u64(request, 8)
		const size = u32(request, 16)
		const { node, pid } = request
		// From the second part on the kernel asks for attributes only if those of the first were used.
		const withAttributes = plus && (cookie > 0 || door.listers.wantsAttributes(pid, node))
		const place = yield* filled(door, door.listings.place(node, cookie), { size, plus, withAttributes })
		if (place.ahead.length === 0 && cookie > 0) ended(door, place)
		const page = { place, cookie, size, plus, withAttributes }
		return isFromBeginning(page) ? wholeReply(door, page, encodings) : reply(door, page)
	}
}

/** With rows at hand, unless there are no more. */
function* filled(door: Door, place: Place, { size, plus, withAttributes }: Pick<Page, 'size' | 'plus' | 'withAttributes'>): Op<Place> {
	if (place.ahead.length > 0 || place.ended) return place
	const limit = rowsThatFit(size, plus)
	const rows = yield* (withAttributes ? list : listNames)(door.fs, place.directory, place.name, limit)
	return { ...place, ahead: rows, ended: rows.length < limit }
}

/** With names of ordinary length; what is read and does not fit is kept for the next request. */
function rowsThatFit(bytes: number, plus: boolean): number {
	return Math.min(PART_ROWS_MAX, Math.ceil(bytes / (ORDINARY_ENTRY_BYTES + (plus ? ENTRY_OUT_BYTES : 0))))
}

/**
 * With this answer the kernel keeps the whole listing. What it was told to forget while the parts were on their way it may
 * have put in after that.
 */
function ended(door: Door, place: Place): void {
	if (door.listings.isOld(place)) door.forgetListing(place.directory)
}

interface Page {
	place: Place
	cookie: number
	size: number
	plus: boolean
	withAttributes: boolean
}

/** All of a directory may fit into one answer, as the first that is asked for; later ones are of a part. */
function isFromBeginning({ place, cookie, plus, withAttributes }: Page): boolean {
	return plus && !withAttributes && cookie === 0 && place.ended && place.ahead.length > 0
}

function wholeReply(door: Door, page: Page, encodings: Encodings): Reply {
	const { place, size } = page
	const { bytes, cookiesAt, names } = encodings.of(place.ahead)
	if (bytes.length + DOTS_BYTES > size) return reply(door, page)
	return (out) => {
		const at = putDots(out, page, out.at + size)
		out.bytes.set(bytes, at)
		let cookie = door.listings.firstCookie()
		// They stay below 2^31.
		for (const offset of cookiesAt) out.view.setUint32(at + offset, cookie++, true)
		door.listings.given(names, { ...place, ahead: [] })
		return at + bytes.length - out.at
	}
}

/** As many entries as fit; the first that does not comes first next time. */
function reply(door: Door, page: Page): Reply {
	return (out) => {
		const end = out.at + page.size
		const again = givenBefore(page.place)
		const ahead = again?.rows ?? page.place.ahead
		const first = again?.cookie ?? door.listings.firstCookie()
		const names: Uint8Array[] = []
		let at = putDots(out, page, end)
		for (const row of ahead) {
			const size = putRow(door, out, { at, end }, { row, cookie: first + names.length, plus: page.plus, withAttributes: page.withAttributes })
			if (size === 0) break
			at += size
			names.push(row.name)
		}
		if (names.length > 0 && !again) door.listings.given(packNames(names), { ...page.place, name: names[names.length - 1], ahead: ahead.slice(names.length) })
		return at - out.at
	}
}

function putDots(out: Out, { cookie, place, plus }: Page, end: number): number {
	let at = out.at
	for (let i = cookie; i < DOTS; i++) {
		const start = plus ? at + ENTRY_OUT_BYTES : at
		// Without a node id: the kernel knows these and must not count them as found.
		if (plus) putNegativeEntry(out.view, at, NO_VALIDITY)
		at = start + putDirectoryEntry(out, { at: start, end }, { id: place.directory, cookie: i + 1, name: DOT_NAMES[i], kind: KIND.directory })
	}
	return at
}
