/**
 * SHA-256 of files on nodes, several at once and off the main thread. What every job that reads whole files uses: this file
 * is the specification, `openHashing` below makes one.
 */
import type { Errno } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { openHashing as open } from './pool.ts'

export interface Hashed {
	hash: Buffer
	/** The file was the same before its first byte was read and after its last; EAGAIN otherwise. */
	stat: Stat
}

export interface HashOptions {
	/** Called with each piece's size before it is read, to keep to a rate. Big files only: pieces are of several MiB. */
	pace?: (bytes: number) => Promise<void>
	signal?: AbortSignal
}

export interface Hashing {
	/**
	 * Of a regular file beneath the node's root, never through a symlink. Fails with an Errno: ENOENT, EINVAL (no regular
	 * file), EIO (the disk), ETIMEDOUT (a remote node), EAGAIN (it changed meanwhile), ECANCELED.
	 */
	hashFile(node: Node, path: Path, options?: HashOptions): Promise<Hashed>
	/** The same of many files, each with its own answer: for a hundred thousand small ones even a promise each is much. */
	hashFiles(node: Node, paths: readonly Path[], options?: HashOptions): Promise<Array<Hashed | Errno>>
	/** How many can usefully be under way at once. */
	readonly width: number
	end(): void
}

/** `threads` 0: as many as there are processors. */
export function openHashing(threads: number): Hashing {
	return open(threads)
}
