/** Writing replies: attributes, entries, directory entries. */
import type { FileRow } from '../../core/catalogue/files.ts'
import { ATTR_OUT_BYTES, ENTRY_OUT_BYTES } from './protocol.ts'

const TYPE_SHIFT = 12

/** How long the kernel may keep what a reply says. */
export interface Validity {
	seconds: number
	nanoseconds: number
}

export function putNumber64(view: DataView, offset: number, value: number): void {
	view.setUint32(offset, value >>> 0, true)
	view.setInt32(offset + 4, Math.floor(value / 0x1_0000_0000), true)
}

function putAttributes(view: DataView, at: number, row: FileRow): void {
	putNumber64(view, at, row.id)
	putNumber64(view, at + 8, row.size)
	putNumber64(view, at + 16, row.kind === 4 ? 8 : row.blocks)
	putNumber64(view, at + 24, row.atime)
	putNumber64(view, at + 32, row.mtime)
	putNumber64(view, at + 40, row.ctime)
	view.setUint32(at + 48, row.atime_ns, true)
	view.setUint32(at + 52, row.mtime_ns, true)
	view.setUint32(at + 56, row.ctime_ns, true)
	view.setUint32(at + 60, (row.kind << TYPE_SHIFT) | row.mode, true)
	view.setUint32(at + 64, row.nlink, true)
	view.setUint32(at + 68, row.uid, true)
	view.setUint32(at + 72, row.gid, true)
	view.setUint32(at + 76, row.rdev, true)
	view.setUint32(at + 80, 4096, true)
	view.setUint32(at + 84, 0, true)
}

/** struct fuse_entry_out. The node id is the file's id, which is never used again: the generation is always 0. */
export function putEntry(view: DataView, at: number, row: FileRow, entry: Validity, attributes: Validity): number {
	putNumber64(view, at, row.id)
	putNumber64(view, at + 8, 0)
	putNumber64(view, at + 16, entry.seconds)
	putNumber64(view, at + 24, attributes.seconds)
	view.setUint32(at + 32, entry.nanoseconds, true)
	view.setUint32(at + 36, attributes.nanoseconds, true)
	putAttributes(view, at + 40, row)
	return ENTRY_OUT_BYTES
}

/** No such name, and the kernel may remember that. */
export function putNegativeEntry(view: DataView, at: number, validity: Validity): number {
	for (let i = 0; i < ENTRY_OUT_BYTES; i += 4) view.setUint32(at + i, 0, true)
	putNumber64(view, at + 16, validity.seconds)
	view.setUint32(at + 32, validity.nanoseconds, true)
	return ENTRY_OUT_BYTES
}

export function putAttributesOut(view: DataView, at: number, row: FileRow, validity: Validity): number {
	putNumber64(view, at, validity.seconds)
	view.setUint32(at + 8, validity.nanoseconds, true)
	view.setUint32(at + 12, 0, true)
	putAttributes(view, at + 16, row)
	return ATTR_OUT_BYTES
}

/** struct fuse_dirent and its name, padded to 8 bytes: the bytes used, or 0 when it does not fit before `end`. */
export function putDirectoryEntry(
	out: { view: DataView; bytes: Buffer },
	{ at, end }: { at: number; end: number },
	entry: { id: number; cookie: number; name: Uint8Array; kind: number },
): number {
	const length = entry.name.length
	const size = (24 + length + 7) & ~7
	if (at + size > end) return 0
	putNumber64(out.view, at, entry.id)
	putNumber64(out.view, at + 8, entry.cookie)
	out.view.setUint32(at + 16, length, true)
	out.view.setUint32(at + 20, entry.kind, true)
	out.bytes.set(entry.name, at + 24)
	out.bytes.fill(0, at + 24 + length, at + size)
	return size
}
