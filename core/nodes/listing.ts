/** Reading a directory whole, names as bytes. */
import { constants } from 'node:os'
import { errno, getdents64, lastError } from '../libc.ts'
import type { DirectoryEntry } from './node.ts'
import { decodeStat, S_IFMT, statInto } from './stat.ts'

/** What one call may bring: about a thousand names. */
const LISTING_BUFFER_BYTES = 64 * 1024
const { EINTR, ENOENT } = constants.errno

/** `struct linux_dirent64`: inode (8 bytes), offset (8), length of the record (2), kind (1), name and its NUL. */
const RECORD_LENGTH_AT = 16
const KIND_AT = 18
const NAME_AT = 19
const DOT = 46
const NUL = Buffer.alloc(1)
/** A DT_ value is the S_IF bits without the permissions. */
const KIND_SHIFT = 12

const buffer = new Uint8Array(LISTING_BUFFER_BYTES)

/** Throws at the first failure: a listing is whole or it is none. */
export function listDescriptor(fd: number): DirectoryEntry[] {
	const entries: DirectoryEntry[] = []
	for (;;) {
		const length = getdents64(fd, buffer, buffer.length)
		if (length > 0) decode(fd, Buffer.from(buffer.subarray(0, length)), entries)
		else if (length === 0) return entries
		else if (errno() !== EINTR) throw lastError()
	}
}

function decode(fd: number, records: Buffer, entries: DirectoryEntry[]): void {
	for (let at = 0; at < records.length; ) {
		const next = at + records.readUInt16LE(at + RECORD_LENGTH_AT)
		const name = records.subarray(at + NAME_AT, records.indexOf(0, at + NAME_AT))
		if (!isDots(name)) entries.push({ name, kind: records[at + KIND_AT] || kindByStat(fd, name) })
		at = next
	}
}

function isDots(name: Buffer): boolean {
	return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))
}

/** Some filesystems leave the kind out of a listing. */
function kindByStat(fd: number, name: Buffer): number {
	if (statInto(fd, Buffer.concat([name, NUL])) === 0) return (decodeStat().mode & S_IFMT) >> KIND_SHIFT
	// Removed since it was listed.
	if (errno() === ENOENT) return 0
	throw lastError()
}
