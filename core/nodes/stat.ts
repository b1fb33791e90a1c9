/** statx(2) into one buffer, read with typed arrays: no BigInt and no object but the result. */
import { secondsWithin } from '../clock.ts'
import { lastError, statx } from '../libc.ts'
import type { Inode, Stat } from './node.ts'

const AT_EMPTY_PATH = 0x1000
export const AT_SYMLINK_NOFOLLOW = 0x100
const STATX_BASIC_STATS = 0x7ff
const STATX_TYPE = 0x1
const STATX_CTIME = 0x80
const STATX_INO = 0x100
const STATX_BTIME = 0x800

const EMPTY = new Uint8Array(1)
/** `struct statx` is the same on every architecture. */
const bytes = new Uint8Array(256)
const words = new Uint32Array(bytes.buffer)
const shorts = new Uint16Array(bytes.buffer)
const signed = new Int32Array(bytes.buffer)

export const S_IFMT = 0o170000
export const S_IFREG = 0o100000
export const S_IFDIR = 0o040000
export const S_IFLNK = 0o120000

/** -1 and errno where it fails, so that the caller may try again. */
export function statInto(directory: number, name: Uint8Array): number {
	return statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, bytes)
}

export function statDescriptor(fd: number): Stat {
	statOpen(fd)
	return decodeStat()
}

export function statDescriptorInto(fd: number, numbers: Float64Array, at: number): void {
	statOpen(fd)
	decodeInto(numbers, at)
}

function statOpen(fd: number): void {
	if (statx(fd, EMPTY, AT_EMPTY_PATH, STATX_BASIC_STATS, bytes) === -1) throw lastError()
}

/** The S_IF bits of a descriptor, of an O_PATH one too. */
export function kindOf(fd: number): number {
	if (statx(fd, EMPTY, AT_EMPTY_PATH, STATX_TYPE, bytes) === -1) throw lastError()
	return shorts[14] & S_IFMT
}

/** -1 and errno where it fails. */
export function inodeInto(directory: number, name: Uint8Array): number {
	return statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_CTIME | STATX_BTIME, bytes)
}

export function inodeOfDescriptor(fd: number): Inode {
	if (statx(fd, EMPTY, AT_EMPTY_PATH, STATX_INO | STATX_CTIME | STATX_BTIME, bytes) === -1) throw lastError()
	return decodeInode()
}

/** What the last successful call of that wrote. */
export function decodeInode(): Inode {
	const number = words[8] + words[9] * 0x1_0000_0000
	return { id: `${number} ${words[20]}.${words[22]}`, changed: words[24] * 1_000_000 + Math.floor(words[26] / 1_000) }
}

/** What the last successful call wrote. */
export function decodeStat(): Stat {
	return {
		mode: shorts[14],
		nlink: words[4],
		uid: words[5],
		gid: words[6],
		rdev: device(words[32], words[33]),
		size: exact(10),
		blocks: exact(12),
		ino: words[8] + words[9] * 0x1_0000_0000,
		dev: device(words[34], words[35]),
		atime: seconds(16),
		atimeNs: words[18],
		mtime: seconds(28),
		mtimeNs: words[30],
		ctime: seconds(24),
		ctimeNs: words[26],
	}
}

/** How many numbers `decodeInto` writes. */
export const STAT_NUMBERS = 15

/** What the last successful call wrote, field by field as `Stat` names them: for many files an object each is too much. */
export function decodeInto(numbers: Float64Array, at: number): void {
	numbers[at] = shorts[14]
	numbers[at + 1] = words[4]
	numbers[at + 2] = words[5]
	numbers[at + 3] = words[6]
	numbers[at + 4] = device(words[32], words[33])
	numbers[at + 5] = exact(10)
	numbers[at + 6] = exact(12)
	numbers[at + 7] = words[8] + words[9] * 0x1_0000_0000
	numbers[at + 8] = device(words[34], words[35])
	numbers[at + 9] = seconds(16)
	numbers[at + 10] = words[18]
	numbers[at + 11] = seconds(28)
	numbers[at + 12] = words[30]
	numbers[at + 13] = seconds(24)
	numbers[at + 14] = words[26]
}

function seconds(at: number): number {
	return secondsWithin(words[at] + signed[at + 1] * 0x1_0000_0000)
}

/** Holes may make a file larger than any number that is exact here, and the catalogue can be asked for. */
function exact(at: number): number {
	return Math.min(words[at] + words[at + 1] * 0x1_0000_0000, Number.MAX_SAFE_INTEGER)
}

/** As makedev(3) packs the two, up to the 32 bits the kernel itself uses. */
function device(major: number, minor: number): number {
	return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0
}

/** Of one file, looked at twice. */
export function isSameContent(one: Stat, other: Stat): boolean {
	return one.size === other.size && one.mtime === other.mtime && one.mtimeNs === other.mtimeNs && one.ino === other.ino
}
