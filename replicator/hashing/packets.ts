/**
 * What the main thread and a hashing thread say to each other. Small files travel by the hundred, as a few flat arrays: a
 * message costs more than the hash of a small file. A large file is a conversation about one `id`, a piece at a time.
 */
import { Errno } from '../../core/errors.ts'
import { errnoName, errnoNumber } from '../../core/libc.ts'
import type { Stat } from '../../core/nodes/node.ts'
import type { Range } from './asked.ts'
import type { Answer } from './hashing.ts'

/** A directory that is read only while it is the node. */
export interface Place {
	root: string
	uuid: string
}

export type Request =
	| ({ ask: 'batch'; id: number; paths: Uint8Array; ends: Uint32Array } & Place)
	| ({ ask: 'begin'; id: number; path: Uint8Array } & Place)
	| { ask: 'piece'; id: number; bytes: number }
	| { ask: 'drop'; id: number }

/** The answers to a batch, for each file in turn. */
export interface Packet {
	numbers: Float64Array
	hashes: Uint8Array
}

export interface Reply {
	id: number
	batch?: Packet
	/** Of a large file, when its last byte was read. */
	whole?: { stat: Stat; hash: Uint8Array; mayHaveXattrs: boolean }
	/** Why nothing came of it. */
	code?: string
	message?: string
}

export const HASH_BYTES = 32
/** In place of an errno: too large for a batch. */
export const TOO_LARGE = -1

/** An errno, 0 for none; then what stat says; last whether it may have extended attributes. */
export const NUMBERS_PER_FILE = 17
const XATTRS = NUMBERS_PER_FILE - 1

const SLASH = 0x2f

export function packPaths(ranges: readonly Range[]): { paths: Uint8Array; ends: Uint32Array } {
	let bytes = 0
	let many = 0
	for (const { asked, from, to } of ranges) {
		for (let at = from; at < to; at++) bytes += asked.directory.length + 1 + asked.names[at].length
		many += to - from
	}
	const paths = new Uint8Array(bytes)
	const ends = new Uint32Array(many)
	let end = 0
	let index = 0
	for (const { asked, from, to } of ranges) {
		for (let at = from; at < to; at++) ends[index++] = end = packPath(paths, end, asked.directory, asked.names[at])
	}
	return { paths, ends }
}

function packPath(paths: Uint8Array, from: number, directory: Uint8Array, name: Uint8Array): number {
	let end = from
	if (directory.length > 0) {
		paths.set(directory, end)
		end += directory.length
		paths[end++] = SLASH
	}
	paths.set(name, end)
	return end + name.length
}

/** Written out, as its opposite is: this runs once for every file there is. */
export function packStat(numbers: Float64Array, at: number, stat: Stat): void {
	const n = numbers
	const i = at * NUMBERS_PER_FILE + 1
	n[i] = stat.mode
	n[i + 1] = stat.nlink
	n[i + 2] = stat.uid
	n[i + 3] = stat.gid
	n[i + 4] = stat.rdev
	n[i + 5] = stat.size
	n[i + 6] = stat.blocks
	n[i + 7] = stat.ino
	n[i + 8] = stat.dev
	n[i + 9] = stat.atime
	n[i + 10] = stat.atimeNs
	n[i + 11] = stat.mtime
	n[i + 12] = stat.mtimeNs
	n[i + 13] = stat.ctime
	n[i + 14] = stat.ctimeNs
}

export function packXattrs(numbers: Float64Array, at: number, mayHave: boolean): void {
	numbers[at * NUMBERS_PER_FILE + XATTRS] = mayHave ? 1 : 0
}

export function packError(numbers: Float64Array, at: number, code: string): void {
	numbers[at * NUMBERS_PER_FILE] = errnoNumber(code)
}

/** What the thread found of one file that was not too large. */
export function unpack({ numbers, hashes }: Packet, at: number): Answer {
	const error = numbers[at * NUMBERS_PER_FILE]
	if (error > 0) return new Errno(errnoName(error))
	return { hash: Buffer.from(hashes.buffer, at * HASH_BYTES, HASH_BYTES), stat: unpackStat(numbers, at), mayHaveXattrs: numbers[at * NUMBERS_PER_FILE + XATTRS] !== 0 }
}

function unpackStat(numbers: Float64Array, at: number): Stat {
	const n = numbers
	const i = at * NUMBERS_PER_FILE + 1
	return {
		mode: n[i], nlink: n[i + 1], uid: n[i + 2], gid: n[i + 3], rdev: n[i + 4], size: n[i + 5], blocks: n[i + 6], ino: n[i + 7], dev: n[i + 8],
		atime: n[i + 9], atimeNs: n[i + 10], mtime: n[i + 11], mtimeNs: n[i + 12], ctime: n[i + 13], ctimeNs: n[i + 14],
	}
}

export function isTooLarge(numbers: Float64Array, at: number): boolean {
	return numbers[at * NUMBERS_PER_FILE] === TOO_LARGE
}
