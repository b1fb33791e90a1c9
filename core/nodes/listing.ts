/** Reading a directory whole. */
import { constants } from 'node:os'
import { errno, getdents64, lastError } from '../libc.ts'
import type { DirectoryEntry } from './node.ts'
import { decodeStat, S_IFDIR, S_IFMT, S_IFREG, statInto } from './stat.ts'

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

export const DT_REG = S_IFREG >> KIND_SHIFT
export const DT_DIR = S_IFDIR >> KIND_SHIFT

const buffer = Buffer.alloc(LISTING_BUFFER_BYTES)
/** Names of a listing are as long as a filesystem allows. */
const name = Buffer.alloc(1024)

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
		if (!isDots(name, name.length)) entries.push({ name, kind: records[at + KIND_AT] || kindByStat(fd, name) })
		at = next
	}
}

/** A name as it lies in a buffer that is used again, with a NUL behind its `length` bytes. False: that is enough. */
export type SeeName = (name: Buffer, length: number, kind: number) => boolean

/** The same without an object for each name, which of a hundred thousand costs as much as the looks at the disk. False where it was ended. */
export function eachName(fd: number, see: SeeName): boolean {
	for (;;) {
		const length = getdents64(fd, buffer, buffer.length)
		if (length === 0) return true
		if (length > 0 && !tell(fd, length, see)) return false
		if (length < 0 && errno() !== EINTR) throw lastError()
	}
}

function tell(fd: number, end: number, see: SeeName): boolean {
	for (let at = 0; at < end; ) {
		const next = at + buffer.readUInt16LE(at + RECORD_LENGTH_AT)
		let length = 0
		for (let from = at + NAME_AT; buffer[from] !== 0; from++) name[length++] = buffer[from]
		name[length] = 0
		if (!isDots(name, length) && !see(name, length, buffer[at + KIND_AT] || kindOfName(fd, name))) return false
		at = next
	}
	return true
}

function isDots(name: Uint8Array, length: number): boolean {
	return name[0] === DOT && (length === 1 || (length === 2 && name[1] === DOT))
}

/** Some filesystems leave the kind out of a listing. */
function kindByStat(fd: number, name: Buffer): number {
	return kindOfName(fd, Buffer.concat([name, NUL]))
}

function kindOfName(fd: number, terminated: Buffer): number {
	if (statInto(fd, terminated) === 0) return (decodeStat().mode & S_IFMT) >> KIND_SHIFT
	// Removed since it was listed.
	if (errno() === ENOENT) return 0
	throw lastError()
}
