/** An entry of a listing as it goes to the kernel. */
import type { ListedRow, NamedRow } from '../core/catalogue/entries.ts'
import { KIND } from '../core/catalogue/files.ts'
import type { Door } from './door.ts'
import { putDirectoryEntry, putEntry, putNegativeEntry } from './fuse/encode.ts'
import { ENTRY_OUT_BYTES } from './fuse/protocol.ts'
import type { Out } from './fuse/session.ts'

export const NO_VALIDITY = { seconds: 0, nanoseconds: 0 }

export interface Shown {
	row: NamedRow | ListedRow
	cookie: number
	plus: boolean
	withAttributes: boolean
}

/** How many bytes it takes; 0 when it does not fit. */
export function putRow(door: Door, out: Out, { at, end }: { at: number; end: number }, { row, cookie, plus, withAttributes }: Shown): number {
	const start = plus ? at + ENTRY_OUT_BYTES : at
	const size = putDirectoryEntry(out, { at: start, end }, { id: row.id, cookie, name: row.name, kind: row.kind })
	if (size === 0 || !plus) return size
	if (isWhole(row) && (withAttributes || row.kind === KIND.directory) && !isWritten(door, row)) {
		putEntry(out.view, at, row, door.validity.entry, door.validity.attributes)
	} else putNegativeEntry(out.view, at, NO_VALIDITY)
	return ENTRY_OUT_BYTES + size
}

/** Rows kept from an earlier request may be of the other sort than this one asks for. */
function isWhole(row: NamedRow | ListedRow): row is ListedRow {
	return 'mode' in row
}

/** The row of a file that is being written is behind its backing file: the kernel asks when it wants to know. */
function isWritten(door: Door, { id }: NamedRow): boolean {
	return (door.fs.open.get(id)?.writers ?? 0) > 0
}
