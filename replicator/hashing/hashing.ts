/**
 * SHA-256 of files on nodes, several at once and off the main thread. What every job that reads whole files uses: this file
 * is the specification, `openHashing` below makes one.
 */
import type { Errno } from '../../core/errors.ts'
import type { Name, Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { sharedBy } from '../shared.ts'
import type { Gathered, Survey } from './packets.ts'
import { openPool } from './pool.ts'

export interface Hashed {
	hash: Buffer
	/** The file was the same before its first byte was read and after its last; EAGAIN otherwise. */
	stat: Stat
	/** It may have extended attributes; false: it has none. */
	mayHaveXattrs: boolean
}

export type Answer = Hashed | Errno

export interface Answers {
	/** Of the file with this number, made when it is asked for. */
	at(index: number): Answer
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
	/** The same of many files of a directory, each with its own answer: of a hundred thousand small ones even a promise each is much. */
	hashNames(node: Node, directory: Path, names: readonly Name[], options?: HashOptions): Promise<Answers>
	/**
	 * What is in directories of a local node, for one of which that is simple and has no more names than that; see `Survey`. Undefined
	 * for another: the ordinary calls will say why.
	 */
	survey(node: Node, directories: readonly Path[], namesMax: number): Promise<Array<Survey | undefined>>
	/** It is being found out already, though not together with others. */
	isToCome(node: Node, directory: Path): boolean
	/** The same with their files read as `hashNames` does, except what is too much for one turn. */
	gather(node: Node, directories: readonly Path[], namesMax: number): Promise<Array<Gathered | undefined>>
	end(): void
}

const shared = sharedBy(openPool)

/** `threads` 0: as many as there are processors. All who hash in a process share them. */
export function openHashing(threads: number): Hashing {
	const { it, giveBack } = shared(threads)
	return { ...it, end: giveBack }
}
