/**
 * Writing past the page cache. Of a large copy nothing is read again soon: what goes straight to the disk is not copied once
 * more, pushes nothing out of the cache that others use, and leaves the sync at the end nothing to wait for.
 */
import { constants } from 'node:fs'
import koffi from 'koffi'
import { libc } from '../../core/libc.ts'

/** As every disk wants it: positions, lengths and memory in multiples of this. */
export const DIRECT_UNIT_BYTES = 4096

const F_GETFL = 3
const F_SETFL = 4
const fcntl = libc<[fd: number, command: number, value: number]>('int fcntl(int fd, int command, long value)')
const alignedAlloc = koffi.load('libc.so.6').func('void *aligned_alloc(size_t unit, size_t bytes)') as (
	unit: number,
	bytes: number,
) => unknown

/** For as long as the process lives. */
export function alignedBuffer(bytes: number): Uint8Array {
	return new Uint8Array(koffi.view(alignedAlloc(DIRECT_UNIT_BYTES, bytes), bytes))
}

/** The same, seen by other threads too. */
export function alignedShared(bytes: number): Uint8Array {
	const memory = new SharedArrayBuffer(bytes + DIRECT_UNIT_BYTES)
	const past = Number(koffi.address(new Uint8Array(memory)) % BigInt(DIRECT_UNIT_BYTES))
	return new Uint8Array(memory, past === 0 ? 0 : DIRECT_UNIT_BYTES - past, bytes)
}

/** False where the filesystem cannot. */
export function writeDirectly(fd: number, isWanted: boolean): boolean {
	const flags = fcntl(fd, F_GETFL, 0)
	if (flags === -1) return false
	return fcntl(fd, F_SETFL, isWanted ? flags | constants.O_DIRECT : flags & ~constants.O_DIRECT) === 0
}
