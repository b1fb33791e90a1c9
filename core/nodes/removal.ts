/**
 * Taking a name away without waiting for the disk to give back what was under it. Of a file of a gigabyte that lasts a tenth
 * of a second, and of a small one, where the disk is told of each block that is free (`discard`), as long as everything else in a removal: this
 * thread has others to serve. So the file is held while its name goes, and let go on the thread pool.
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
/**
 * The pool has other work too, and a process so many descriptors. What was let go is known when the event loop turns again, which it does after 50 ms
 * where requests keep coming. A large file is let go there all the same.
 */
const HELD_MAX = 512
/** To wake a thread of the pool costs this one as much as the rest of a removal on the node: they are woken for several. */
const TOGETHER = 16

let heldCount = 0
let waiting: number[] = []

/** -1 and errno where it fails. */
export function unlinkName(directory: number, name: Uint8Array): number {
	const held = isMainThread && isWorthIt(directory, name) && hasRoom(directory) ? hold(directory, name) : -1
	const result = unlinkat(directory, name, 0)
	if (held !== -1) letGoLater(held)
	return result
}

function letGoLater(fd: number): void {
	heldCount++
	if (waiting.push(fd) === 1) setImmediate(letGo)
	if (waiting.length >= TOGETHER) letGo()
}

function letGo(): void {
	for (const fd of waiting) closeAside(fd, goneOne)
	waiting = []
}

function goneOne(): void {
	heldCount--
}

function isWorthIt(directory: number, name: Uint8Array): boolean {
	return heldCount < HELD_MAX || isLarge(directory, name)
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
