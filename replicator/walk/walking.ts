/** One walk of one node: what its parts share. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { FileId, Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import type { Hashing } from '../hashing/hashing.ts'
import type { Replicator } from '../replicator.ts'
import type { Run } from '../run.ts'
import type { Seen } from './ahead.ts'
import type { Inodes } from './inodes.ts'
import type { Watchman } from './watch.ts'

export interface WalkOptions {
	/** Only this part of the tree: a directory and all below it, or one file. */
	part?: Path
	/** Reads every file, not only those whose size or time is not as known. */
	rehash?: boolean
	/** Says what it would do and changes nothing. */
	dryRun?: boolean
	/** However many files are gone: they are. */
	believeMissing?: boolean
}

export interface Walking {
	readonly rep: Replicator
	readonly fs: Filesystem
	readonly node: Node
	readonly run: Run
	readonly options: WalkOptions
	readonly hashing: Hashing
	readonly watchman: Watchman
	readonly inodes: Inodes
	/** New files with several names on the node: what they are is known when all the others are. */
	readonly linked: Linked[]
	/** Copies that should be here, and those of them that were not: see absent.ts. */
	readonly tally: { known: number; absent: number }
}

export interface Linked {
	path: Path
	stat: Stat
	hash: Buffer
}

/** A directory of the tree, on the node or in the catalogue or in both. */
export interface Directory {
	path: Path
	id: FileId
	/** Of the watchman, when the id was found. */
	generation: number
	/** The node has it. */
	onDisk: boolean
	/** Adopted by this walk. */
	isNew: boolean
	/** What is being found out about it before its turn comes: see ahead.ts. */
	seen?: Promise<Seen | undefined>
	/** What was, as soon as it is there. */
	found?: Seen
}

/** What keeps the walk from going on at all, as against what is wrong with one file. */
export class WalkStopped extends Error {}
