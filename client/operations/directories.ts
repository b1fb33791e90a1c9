/** Listing directories. */
import type { ListedRow } from '../../core/catalogue/entries.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Door, Operation } from '../door.ts'
import { putDirectoryEntry, putEntry, putNegativeEntry, putNumber64 } from '../fuse/encode.ts'
import { ENTRY_OUT_BYTES, OPEN_OUT_BYTES } from '../fuse/protocol.ts'
import { u32, u64 } from '../fuse/request.ts'
import type { Handler, Out, Reply } from '../fuse/session.ts'
import { DOTS, given, type Listing, openListing, rowsAfter } from '../listing.ts'

const DOT_NAMES = [Buffer.from('.'), Buffer.from('..')]
const ROWS_MAX = 1_024
const ORDINARY_ENTRY_BYTES = 40
const NONE = { seconds: 0, nanoseconds: 0 }

export const opendir: Operation = (door) =>
	function* (request) {
		const handle = door.handles.addListing(openListing(request.node))
		return ({ view, at }) => {
			putNumber64(view, at, handle)
			putNumber64(view, at + 8, 0)
			return OPEN_OUT_BYTES
		}
	}

export const releasedir: Operation = (door) =>
	function* (request) {
		door.handles.removeListing(u64(request, 0))
		return undefined
	}

export const readdir: Operation = (door) => listInto(door, false)
export const readdirplus: Operation = (door) => listInto(door, true)

function listInto(door: Door, plus: boolean): Handler {
	return function* (request) {
		const listing = door.handles.listing(u64(request, 0))
		const cookie = u64(request, 8)
		const size = u32(request, 16)
		// From the second part on the kernel asks for attributes only if those of the first were used.
		listing.withAttributes = cookie > 0 || !plus || door.listers.wantsAttributes(request.pid, request.node)
		const rows = yield* rowsAfter(door.fs, listing, Math.max(cookie, DOTS), rowsThatFit(size, plus))
		return reply(door, { listing, rows, cookie, size, plus, parent: request.node })
	}
}

/** With names of ordinary length; what is read and does not fit is kept for the next request. */
function rowsThatFit(bytes: number, plus: boolean): number {
	return Math.min(ROWS_MAX, Math.ceil(bytes / (ORDINARY_ENTRY_BYTES + (plus ? ENTRY_OUT_BYTES : 0))))
}

interface Page {
	listing: Listing
	rows: ListedRow[]
	cookie: number
	size: number
	plus: boolean
	parent: number
}

/** As many entries as fit; the first that does not comes first next time. */
function reply(door: Door, page: Page): Reply {
	return (out) => {
		const end = out.at + page.size
		let at = putDots(out, page, end)
		let count = 0
		for (const row of page.rows) {
			const size = putRow(door, out, { at, end }, { row, cookie: page.listing.next + count, plus: page.plus, withAttributes: page.listing.withAttributes })
			if (size === 0) break
			at += size
			count++
		}
		given(page.listing, count)
		return at - out.at
	}
}

function putDots(out: Out, { cookie, listing, plus }: Page, end: number): number {
	let at = out.at
	for (let i = cookie; i < DOTS; i++) {
		const start = plus ? at + ENTRY_OUT_BYTES : at
		// Without a node id: the kernel knows these and must not count them as found.
		if (plus) putNegativeEntry(out.view, at, NONE)
		at = start + putDirectoryEntry(out, { at: start, end }, { id: listing.directory, cookie: i + 1, name: DOT_NAMES[i], kind: KIND.directory })
	}
	return at
}

interface Shown {
	row: ListedRow
	cookie: number
	plus: boolean
	withAttributes: boolean
}

function putRow(door: Door, out: Out, { at, end }: { at: number; end: number }, { row, cookie, plus, withAttributes }: Shown): number {
	const start = plus ? at + ENTRY_OUT_BYTES : at
	const size = putDirectoryEntry(out, { at: start, end }, { id: row.id, cookie, name: row.name, kind: row.kind })
	if (size === 0 || !plus) return size
	// The row of a file that is being written is behind its backing file: the kernel asks when it wants to know.
	const isBehind = (door.fs.open.get(row.id)?.writers ?? 0) > 0
	if (!isBehind && (withAttributes || row.kind === KIND.directory)) putEntry(out.view, at, row, door.validity.entry, door.validity.attributes)
	else putNegativeEntry(out.view, at, NONE)
	return ENTRY_OUT_BYTES + size
}

