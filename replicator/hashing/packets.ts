/**
 * What the main thread and a hashing thread say to each other. Small files travel by the hundred, as a few flat arrays: a
 * message costs more than the hash of a small file. A large file is a conversation about one `id`, a piece at a time.
 */
import { errnoName, errnoNumber } from '../../core/libc.ts'
import type { Stat } from '../../core/nodes/node.ts'

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

export interface Reply {
	id: number
	/** Of a batch, for each file in turn. */
	batch?: { numbers: Float64Array; hashes: Uint8Array }
	/** Of a large file, when its last byte was read. */
	whole?: { stat: Stat; hash: Uint8Array }
	/** Why nothing came of it. */
	code?: string
	message?: string
}

export const HASH_BYTES = 32
/** In place of an errno: too large for a batch. */
export const TOO_LARGE = -1

const FIELDS = [
	'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'blocks', 'ino', 'dev', 'atime', 'atimeNs', 'mtime', 'mtimeNs', 'ctime', 'ctimeNs',
] as const satisfies ReadonlyArray<keyof Stat>
/** An errno, 0 for none; then the fields. */
export const NUMBERS_PER_FILE = 1 + FIELDS.length

export function packPaths(paths: readonly Uint8Array[]): { paths: Uint8Array; ends: Uint32Array } {
	const ends = new Uint32Array(paths.length)
	let end = 0
	for (let index = 0; index < paths.length; index++) ends[index] = end += paths[index].length
	const packed = new Uint8Array(end)
	for (let index = 0; index < paths.length; index++) packed.set(paths[index], ends[index] - paths[index].length)
	return { paths: packed, ends }
}

export function packStat(numbers: Float64Array, at: number, stat: Stat): void {
	const base = at * NUMBERS_PER_FILE
	for (let field = 0; field < FIELDS.length; field++) numbers[base + 1 + field] = stat[FIELDS[field]]
}

export function packError(numbers: Float64Array, at: number, code: string): void {
	numbers[at * NUMBERS_PER_FILE] = errnoNumber(code)
}

/** Written out: this runs once for every file there is. */
export function unpackStat(numbers: Float64Array, at: number): Stat {
	const n = numbers
	const i = at * NUMBERS_PER_FILE + 1
	return {
		mode: n[i], nlink: n[i + 1], uid: n[i + 2], gid: n[i + 3], rdev: n[i + 4], size: n[i + 5], blocks: n[i + 6], ino: n[i + 7], dev: n[i + 8],
		atime: n[i + 9], atimeNs: n[i + 10], mtime: n[i + 11], mtimeNs: n[i + 12], ctime: n[i + 13], ctimeNs: n[i + 14],
	}
}

export function unpackError(numbers: Float64Array, at: number): string | undefined {
	const number = numbers[at * NUMBERS_PER_FILE]
	return number > 0 ? errnoName(number) : undefined
}

export function isTooLarge(numbers: Float64Array, at: number): boolean {
	return numbers[at * NUMBERS_PER_FILE] === TOO_LARGE
}
