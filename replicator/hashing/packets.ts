/**
 * What the main thread and a hashing thread say to each other. Small files travel by the hundred, as a few flat arrays: a
 * message costs more than the hash of a small file. A large file is a conversation about one `id`, a piece at a time.
 */
import { Errno } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import { errnoName, errnoNumber } from '../../core/libc.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { STAT_NUMBERS } from '../../core/nodes/stat.ts'
import type { Range } from './asked.ts'
import type { Answer } from './hashing.ts'

/** A directory that is read only while it is the node. */
export interface Place {
	root: string
	uuid: string
}

export type Request =
	| ({ ask: 'batch'; id: number; paths: Uint8Array; ends: Uint32Array } & Place)
	| ({ ask: 'survey' | 'gather'; id: number } & Directories & Place)
	| ({ ask: 'scout'; id: number; namesMax: number } & Place)
	| ({ ask: 'begin'; id: number; path: Uint8Array } & Place)
	| { ask: 'piece'; id: number; bytes: number }
	| { ask: 'drop'; id: number }
	| { ask: 'rest'; id: number }

/** Their paths, packed; one with more names than that is left to whoever asks. */
export interface Directories {
	paths: Uint8Array
	ends: Uint32Array
	namesMax: number
}

/** The answers to a batch, for each file in turn. */
export interface Packet {
	numbers: Float64Array
	hashes: Uint8Array
}

/** What is in a directory, where that is nothing but directories, and files of one name that can be looked at. */
export interface Survey {
	/** `name NUL size,mtime,nanoseconds` of each file, slashes between, in the order of the names; in latin1, each character a byte. */
	facts: string
	files: number
	/** Their names, in latin1. */
	directories: string[]
	/** Before anybody asked: what it has not may be there by now. */
	isEarly: boolean
}

/** Directories that nobody asked for yet, in the order of a walk, with what is in them if they are simple. Paths are in latin1. */
export type Scouted = Array<[path: string, survey: Survey | undefined]>

/** What is in a directory, its files read, in the order of their names. All of it lies in one buffer. */
export interface Gathered extends Packet {
	names: Uint8Array
	/** Where in it each ends. */
	ends: Uint32Array
	/** What else there is: names in latin1, DT_ values; of directories what stat says. */
	others: Array<{ name: string; kind: number; stat: Stat | undefined }>
}

export interface Reply {
	id: number
	batch?: Packet
	/** Of each directory; undefined where there is more to it than that. */
	surveys?: Array<Survey | undefined>
	gathered?: Array<Gathered | undefined>
	/** So far; the answer without it is the last. */
	scouted?: Scouted
	/** Of a large file, when its last byte was read. */
	whole?: { stat: Stat; hash: Uint8Array; mayHaveXattrs: boolean }
	/** Why nothing came of it. */
	code?: string
	message?: string
}

/** The number of that request. */
export const SCOUT = 0
/** Of one that is not answered. */
export const REST = -1

export const HASH_BYTES = 32
/** In place of an errno: too large for a batch. */
const TOO_LARGE = -1

/** An errno, 0 for none; then what stat says; last whether it may have extended attributes. */
const NUMBERS_PER_FILE = STAT_NUMBERS + 2
const XATTRS = NUMBERS_PER_FILE - 1

/** In what `decodeInto` writes. */
export const STAT = { mode: 0, nlink: 1, uid: 2, gid: 3, size: 5, blocks: 6, ino: 7, atime: 9, atimeNs: 10, mtime: 11, mtimeNs: 12, ctime: 13, ctimeNs: 14 } as const

const NUMBERS_BYTES = NUMBERS_PER_FILE * Float64Array.BYTES_PER_ELEMENT
const END_BYTES = Uint32Array.BYTES_PER_ELEMENT

export function newPacket(files: number): Packet {
	return { numbers: new Float64Array(files * NUMBERS_PER_FILE), hashes: new Uint8Array(files * HASH_BYTES) }
}

/** Of files with these names, in latin1. */
export function newGathered(files: readonly string[], others: Gathered['others']): Gathered {
	const many = files.length
	const bytes = files.reduce((sum, name) => sum + name.length, 0)
	const buffer = new ArrayBuffer(many * (NUMBERS_BYTES + END_BYTES + HASH_BYTES) + bytes)
	const endsAt = many * NUMBERS_BYTES
	const hashesAt = endsAt + many * END_BYTES
	const names = Buffer.from(buffer, hashesAt + many * HASH_BYTES)
	const ends = new Uint32Array(buffer, endsAt, many)
	for (let at = 0, end = 0; at < many; at++) ends[at] = end += names.write(files[at], end, 'latin1')
	return { numbers: new Float64Array(buffer, 0, many * NUMBERS_PER_FILE), hashes: new Uint8Array(buffer, hashesAt, many * HASH_BYTES), names, ends, others }
}

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

export function packDirectories(directories: readonly Path[]): { paths: Uint8Array; ends: Uint32Array } {
	let end = 0
	return { paths: Buffer.concat(directories), ends: Uint32Array.from(directories, ({ length }) => (end += length)) }
}

/** Where what `decodeInto` writes of a file begins. */
export function statAt(at: number): number {
	return at * NUMBERS_PER_FILE + 1
}

export function packXattrs(numbers: Float64Array, at: number, mayHave: boolean): void {
	numbers[at * NUMBERS_PER_FILE + XATTRS] = mayHave ? 1 : 0
}

export function mayHaveXattrs(numbers: Float64Array, at: number): boolean {
	return numbers[at * NUMBERS_PER_FILE + XATTRS] !== 0
}

export function packError(numbers: Float64Array, at: number, code: string): void {
	numbers[at * NUMBERS_PER_FILE] = errnoNumber(code)
}

export function packTooLarge(numbers: Float64Array, at: number): void {
	numbers[at * NUMBERS_PER_FILE] = TOO_LARGE
}

export function sizeOf(numbers: Float64Array, at: number): number {
	return numbers[statAt(at) + STAT.size]
}

/** Its hash is there. */
export function isRead(numbers: Float64Array, at: number): boolean {
	return numbers[at * NUMBERS_PER_FILE] === 0
}

/** What the thread found of one file that was not too large. */
export function unpack({ numbers, hashes }: Packet, at: number): Answer {
	const error = numbers[at * NUMBERS_PER_FILE]
	if (error > 0) return new Errno(errnoName(error))
	return { hash: hashAt(hashes, at), stat: unpackStat(numbers, at), mayHaveXattrs: mayHaveXattrs(numbers, at) }
}

export function hashAt(hashes: Uint8Array, at: number): Buffer {
	return Buffer.from(hashes.buffer, hashes.byteOffset + at * HASH_BYTES, HASH_BYTES)
}

function unpackStat(numbers: Float64Array, at: number): Stat {
	const n = numbers
	const i = statAt(at)
	return {
		mode: n[i], nlink: n[i + 1], uid: n[i + 2], gid: n[i + 3], rdev: n[i + 4], size: n[i + 5], blocks: n[i + 6], ino: n[i + 7], dev: n[i + 8],
		atime: n[i + 9], atimeNs: n[i + 10], mtime: n[i + 11], mtimeNs: n[i + 12], ctime: n[i + 13], ctimeNs: n[i + 14],
	}
}

export function isTooLarge(numbers: Float64Array, at: number): boolean {
	return numbers[at * NUMBERS_PER_FILE] === TOO_LARGE
}
