/**
 * Taking a name away without waiting for the disk to give back what was under it. Of a file of a gigabyte that lasts a tenth
 * of a second, and this thread has others to serve: so the file is held while its name goes, and let go on the thread pool.
 */
import { close as closeAside, constants } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { fstatvfs, openat, unlinkat } from '../libc.ts'
import { O_CLOEXEC, O_PATH } from './beneath.ts'
import { decodeStat, statInto } from './stat.ts'

/** The page cache of less is gone in about a millisecond. */
const LARGE_BYTES = 16 * 1024 * 1024
/** Where there is less, whoever removes something may want its room at once. */
const ROOM_BYTES = 4 * 1024 ** 3

/** -1 and errno where it fails. */
export function unlinkName(directory: number, name: Uint8Array): number {
	const held = isMainThread && isLarge(directory, name) && hasRoom(directory) ? hold(directory, name) : -1
	const result = unlinkat(directory, name, 0)
	if (held !== -1) closeAside(held)
	return result
}

function isLarge(directory: number, name: Uint8Array): boolean {
	return statInto(directory, name) === 0 && decodeStat().size >= LARGE_BYTES
}

/** `struct statvfs`. */
const room = Buffer.alloc(128)
const UNIT_AT = 8
const AVAILABLE_AT = 32

function hasRoom(directory: number): boolean {
	return fstatvfs(directory, room) === 0 && Number(room.readBigUInt64LE(AVAILABLE_AT)) * Number(room.readBigUInt64LE(UNIT_AT)) >= ROOM_BYTES
}

/** Whatever it is: nothing is opened by it. */
function hold(directory: number, name: Uint8Array): number {
	return openat(directory, name, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC, 0)
}
