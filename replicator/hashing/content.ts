/** Reading a node's files for their hash, on a thread where waiting for the disk holds nobody up. */
import { createHash, type Hash, hash as hashOf } from 'node:crypto'
import { constants } from 'node:fs'
import { codeOf, fail } from '../../core/errors.ts'
import { close, lastError, openat, pread, uninterrupted } from '../../core/libc.ts'
import { O_CLOEXEC, openBeneath } from '../../core/nodes/beneath.ts'
import { readAt } from '../../core/nodes/descriptors.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { isSameContent, S_IFMT, S_IFREG, STAT_NUMBERS, statDescriptor, statDescriptorInto } from '../../core/nodes/stat.ts'
import { mayHaveXattrs } from '../../core/nodes/xattrs.ts'
import { HASH_BYTES, type Packet, packTooLarge, packXattrs, STAT, statAt } from './packets.ts'

/** A file of up to this many bytes is read in one go. */
export const WHOLE_BYTES_MAX = 1024 * 1024
const READ_BYTES = 512 * 1024
/** What may be read of a file before it is looked at, for nothing if there is more to it. */
const QUIET_BYTES_MAX = 64 * 1024

// Without O_NONBLOCK the open of a fifo would wait for its other end.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC
/** Looking after a file is no use of it. Only its owner may ask for that. */
let noAtime = constants.O_NOATIME

/** One byte more than fits, so that one read tells a file that grew. */
const buffer = new Uint8Array(WHOLE_BYTES_MAX + 1)

export interface Opened {
	fd: number
	stat: Stat
}

export function openRegular(root: number, path: Uint8Array): Opened {
	const fd = open(root, path)
	try {
		const stat = statDescriptor(fd)
		if ((stat.mode & S_IFMT) !== S_IFREG) fail('EINVAL', 'not a regular file')
		return { fd, stat }
	} catch (error) {
		close(fd)
		throw error
	}
}

/** A regular file beneath a root, of which nothing is known yet. */
export function open(root: number, path: Uint8Array): number {
	return withoutTrace((flags) => openBeneath(root, path, path.length, flags, 0))
}

/** The same of a name in a directory, with a NUL behind it: the way there is gone once. */
export function openName(directory: number, name: Uint8Array): number {
	return withoutTrace((flags) => {
		const fd = uninterrupted(() => openat(directory, name, flags, 0))
		if (fd === -1) throw lastError()
		return fd
	})
}

function withoutTrace(open: (flags: number) => number): number {
	try {
		return open(FLAGS | noAtime)
	} catch (error) {
		const code = codeOf(error)
		// A socket, a device without a driver.
		if (code === 'ENXIO' || code === 'ENODEV') fail('EINVAL', 'not a regular file')
		if (code !== 'EPERM' || noAtime === 0) throw error
		noAtime = 0
		return withoutTrace(open)
	}
}

const after = new Float64Array(STAT_NUMBERS)

/** Of an open file what stat says, whether it may have extended attributes, and its hash unless it is too large. */
export function hashInto(packet: Packet, at: number, fd: number): void {
	const { numbers } = packet
	const from = statAt(at)
	statDescriptorInto(fd, numbers, from)
	if ((numbers[from] & S_IFMT) !== S_IFREG) fail('EINVAL', 'not a regular file')
	packXattrs(numbers, at, mayHaveXattrs(fd))
	const size = numbers[from + STAT.size]
	if (size > WHOLE_BYTES_MAX) return packTooLarge(numbers, at)
	const count = readUpTo(fd, size + 1)
	statDescriptorInto(fd, after, 0)
	if (count !== size || !isSameIn(numbers, from)) fail('EAGAIN', 'it changed while it was read')
	putHash(packet, at, count)
}

/** Of what was read. */
function putHash({ hashes }: Packet, at: number, count: number): void {
	// As text: a Buffer for each takes a third of the time of a small file's hash.
	const hash = hashOf('sha256', new Uint8Array(buffer.buffer, 0, count), 'binary')
	for (let index = 0; index < HASH_BYTES; index++) hashes[at * HASH_BYTES + index] = hash.charCodeAt(index)
}

/** Whoever writes while a file is read leaves that time on it, as coarse as its filesystem has times: the coarsest has every other second. */
const COARSE_SECONDS = 3

/** Before when a file must have changed for the last time, if one look after it was read is to tell that it did not change meanwhile. */
export function quietSince(): number {
	return Math.floor(Date.now() / 1_000) - COARSE_SECONDS
}

/** The same of what was listed as a regular file: looked at once where it has not changed since, as most have not. */
export function hashQuietInto(packet: Packet, at: number, fd: number, since: number): void {
	const { numbers } = packet
	const from = statAt(at)
	const count = pread(fd, buffer, QUIET_BYTES_MAX + 1, 0)
	statDescriptorInto(fd, numbers, from)
	const isRegular = (numbers[from] & S_IFMT) === S_IFREG
	const isWhole = count <= QUIET_BYTES_MAX && count === numbers[from + STAT.size]
	if (!isRegular || !isWhole || numbers[from + STAT.ctime] >= since) return hashInto(packet, at, fd)
	packXattrs(numbers, at, mayHaveXattrs(fd))
	putHash(packet, at, count)
}

function isSameIn(numbers: Float64Array, from: number): boolean {
	return [STAT.size, STAT.ino, STAT.mtime, STAT.mtimeNs].every((field) => numbers[from + field] === after[field])
}

function readUpTo(fd: number, bytes: number): number {
	const count = pread(fd, buffer, bytes, 0)
	return count >= bytes - 1 ? count : readAt(fd, buffer.subarray(0, bytes), 0)
}

/** A large file, as far as it was read. */
export interface Reading extends Opened {
	hash: Hash
	at: number
}

export function startReading(opened: Opened): Reading {
	return { ...opened, hash: createHash('sha256'), at: 0 }
}

/** True when nothing is left. */
export function readOn(reading: Reading, bytes: number): boolean {
	for (let left = bytes; left > 0; ) {
		const count = readAt(reading.fd, buffer.subarray(0, Math.min(READ_BYTES, left)), reading.at)
		if (count === 0) return true
		reading.hash.update(buffer.subarray(0, count))
		reading.at += count
		left -= count
	}
	return false
}

export function finishReading({ fd, stat, hash, at }: Reading): Uint8Array {
	checkSame(fd, stat, at)
	return hash.digest()
}

function checkSame(fd: number, before: Stat, count: number): void {
	const after = statDescriptor(fd)
	if (count === before.size && isSameContent(before, after)) return
	fail('EAGAIN', 'it changed while it was read')
}
