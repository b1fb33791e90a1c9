/** What is done with an open descriptor. Nothing here knows of a path or a node. */
import { constants } from 'node:os'
import { codeOf } from '../errors.ts'
import {
	appendTo,
	close,
	copyFileRange,
	dup,
	errno,
	fallocate,
	fchmod,
	fchown,
	fdatasync,
	fsync,
	ftruncate,
	futimens,
	lastError,
	lseek,
	pread,
	pwrite,
	syncFileRange,
	UNCHANGED,
} from '../libc.ts'
import type { Attributes } from './node.ts'
import { keepMode, passOverRefusal } from './ownership.ts'
import { kindOf, S_IFDIR } from './stat.ts'
import { encodeTimes, hasTimes } from './times.ts'

const { EINTR, EIO, ENOSPC, EDQUOT } = constants.errno
/** Anything else it answers means that it cannot tell. */
const REFUSALS = new Set([EIO, ENOSPC, EDQUOT])

export function closeDescriptor(fd: number): void {
	// The descriptor is gone even when a signal interrupted: a second close might end somebody else's.
	if (close(fd) === -1 && errno() !== EINTR) throw lastError()
}

export function readAt(fd: number, buffer: Uint8Array, position: number): number {
	let done = 0
	while (done < buffer.length) {
		const count = pread(fd, done === 0 ? buffer : buffer.subarray(done), buffer.length - done, position + done)
		if (count > 0) done += count
		else if (count === 0) break
		else if (errno() !== EINTR) throw lastError()
	}
	return done
}

export function writeAt(fd: number, buffer: Uint8Array, position: number): number {
	let done = 0
	while (done < buffer.length) {
		const rest = done === 0 ? buffer : buffer.subarray(done)
		const count = position === -1 ? appendTo(fd, rest) : pwrite(fd, rest, rest.length, position + done)
		if (count >= 0) done += count
		else if (errno() !== EINTR) return shortOrThrow(done)
	}
	return done
}

/** A disk that filled in the middle took some of it, and says so; any other failure is the caller's to know. */
function shortOrThrow(done: number): number {
	const error = lastError()
	const code = codeOf(error)
	if (done > 0 && (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')) return done
	throw error
}

export function truncateTo(fd: number, size: number): void {
	check(() => ftruncate(fd, size))
}

export function allocateIn(fd: number, mode: number, offset: number, length: number): void {
	check(() => fallocate(fd, mode, offset, length))
}

export function seekIn(fd: number, offset: number, whence: number): number {
	return check(() => lseek(fd, offset, whence))
}

const fromOffset = new Uint32Array(2)
const toOffset = new Uint32Array(2)
const fromBytes = new Uint8Array(fromOffset.buffer)
const toBytes = new Uint8Array(toOffset.buffer)

export function copyBetween(from: number, fromAt: number, to: number, toAt: number, length: number): number {
	split(fromOffset, fromAt)
	split(toOffset, toAt)
	return check(() => copyFileRange(from, fromBytes, to, toBytes, length, 0))
}

function split(into: Uint32Array, value: number): void {
	into[0] = value
	into[1] = Math.floor(value / 0x1_0000_0000)
}

export function syncOpen(fd: number, dataOnly: boolean): void {
	check(() => (dataOnly ? fdatasync(fd) : fsync(fd)))
}

const SYNC_FILE_RANGE_WAIT_BEFORE = 1
/** Past the end of any file: there is nothing to wait for. */
const NO_PAGES_AT = 2 ** 62

/** What a network filesystem does at close(2) it does for any descriptor of the open file. */
export function flushOpen(fd: number): void {
	closeDescriptor(check(() => dup(fd)))
	hearOfRefusals(fd)
}

/** At close(2) a disk says nothing, but the kernel remembers for each open file that writing back has failed, until it has told so once. */
export function hearOfRefusals(fd: number): void {
	if (syncFileRange(fd, NO_PAGES_AT, 1, SYNC_FILE_RANGE_WAIT_BEFORE) === -1 && REFUSALS.has(errno())) throw lastError()
}

export function setOpenAttributes(fd: number, attributes: Attributes): void {
	const { mode, uid, gid } = attributes
	if (uid !== undefined || gid !== undefined) {
		if (fchown(fd, uid ?? UNCHANGED, gid ?? UNCHANGED) === -1) passOverRefusal(lastError())
	}
	if (mode !== undefined) check(() => fchmod(fd, keepMode(mode, kindOf(fd) === S_IFDIR)))
	if (hasTimes(attributes)) check(() => futimens(fd, encodeTimes(attributes)))
}

function check(call: () => number): number {
	for (;;) {
		const result = call()
		if (result !== -1) return result
		if (errno() !== EINTR) throw lastError()
	}
}
