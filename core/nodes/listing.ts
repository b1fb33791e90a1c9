/** Reading a directory whole: name by name, or flat with what its files are like. */
import { constants } from 'node:os'
import { errno, getdents64, lastError } from '../libc.ts'
import type { DirectoryEntry, Survey } from './node.ts'
import { decodeStat, pushTimes, S_IFMT, S_IFREG, statInto } from './stat.ts'

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

const buffer = Buffer.alloc(LISTING_BUFFER_BYTES)
/** Names of a listing are as long as a filesystem allows. */
const name = new Uint8Array(1024)

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

/**
 * The same with the sizes and times of its files. Of a hundred thousand names two objects each cost as much as the looks at the disk, so
 * this makes none. Undefined: it has more names.
 */
export function surveyDescriptor(fd: number, namesMax: number): Survey | undefined {
	const survey: Survey = { names: [], kinds: [], stats: [] }
	for (;;) {
		const length = getdents64(fd, buffer, buffer.length)
		if (length > 0) look(fd, length, survey)
		else if (length === 0) return survey
		else if (errno() !== EINTR) throw lastError()
		if (survey.names.length > namesMax) return undefined
	}
}

function look(fd: number, length: number, { names, kinds, stats }: Survey): void {
	for (let at = 0; at < length; ) {
		const next = at + buffer.readUInt16LE(at + RECORD_LENGTH_AT)
		let bytes = 0
		for (let from = at + NAME_AT; buffer[from] !== 0; from++) name[bytes++] = buffer[from]
		name[bytes] = 0
		if (!isDots(name, bytes)) {
			const kind = buffer[at + KIND_AT]
			const isSeen = kind === S_IFREG >> KIND_SHIFT && statInto(fd, name) === 0
			names.push(buffer.toString('latin1', at + NAME_AT, at + NAME_AT + bytes))
			kinds.push(isSeen || kind !== S_IFREG >> KIND_SHIFT ? kind : 0)
			pushTimes(stats, isSeen)
		}
		at = next
	}
}

function isDots(name: Uint8Array, length: number): boolean {
	return name[0] === DOT && (length === 1 || (length === 2 && name[1] === DOT))
}

/** Some filesystems leave the kind out of a listing. */
function kindByStat(fd: number, name: Buffer): number {
	if (statInto(fd, Buffer.concat([name, NUL])) === 0) return (decodeStat().mode & S_IFMT) >> KIND_SHIFT
	// Removed since it was listed.
	if (errno() === ENOENT) return 0
	throw lastError()
}
