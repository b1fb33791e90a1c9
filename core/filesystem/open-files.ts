/**
 * A file open in this process, whoever opened it and however often. What one that is open for writing can be, besides simply written (`writers` > 0):
 *
 *     entered     made here, and its first version is yet to be published. Its first publish may take the rows for what they were (next-version.ts)
 *     abandoned   everybody closed it, and it could not be published: a writer is counted for it, which keeps the pin, and it is tried again (start.ts)
 *     unsynced    its disk refused what was written: that is told at each fsync and close, and the copy is in doubt (distrust.ts)
 *     parted      the pin was lost, and others have published: publishes fail, and who closes it last keeps what was written aside (reclaim.ts)
 *     orphan      no name leads to it, whoever took the last: nothing of it is published any more, whatever else it is
 *
 * Several may be so at a time. Of what is in doubt (`pathInDoubt`, `pinInDoubt`) the next publish makes sure.
 */
import type { FileRow } from '../catalogue/files.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { isPromise, type Maybe, type Op, run, wait } from '../op.ts'

export interface OpenFile {
	readonly id: FileId
	/** As the catalogue had it last; kept up to date while the file is open here. */
	row: FileRow
	/** How many have it open, */
	handles: number
	/** and of these how many may write. While there are any, this client has a writer row and the backing file is the truth. */
	writers: number

	node: Node
	/** On that node, at the time of opening. */
	path: Path
	fd: number
	/** Of the node, when it was opened. */
	era: number
	/** The descriptor is O_RDWR. */
	writable: boolean
	/** The kernel has the backing file and reads and writes it itself. */
	lent: boolean
	/** Of another version, or on another node, and open here when this one was opened. */
	older: OpenFile | undefined
	/** Descriptors that were replaced; a call on them may be under way, so they are closed with the file. */
	retired: Array<{ node: Node; fd: number }>

	/** The backing file when it was last published; of a file that is only read, nothing is known. */
	known: Stat | undefined
	knownAtMs: number
	/** How often this process has begun to change its content, or has heard that a node far away had; and by when that was known. */
	changes: number
	changesKnown: number
	/** Published since it was opened. */
	published: boolean

	/** It is new: the row it was entered with, or as this process changed it since. */
	entered: FileRow | undefined
	/** Closed by everybody, but its content could not be published: kept, with its pin, until it can. */
	abandoned: boolean
	/** Its node could not bring it to the disk. The kernel tells that once; whoever asks again is not to hear that all is well. */
	unsynced: boolean
	/** Others took the pin away and published something else since: what is written here is not the file any more. */
	parted: boolean
	/** No name leads to it any more: it lives until it is closed. */
	orphan: boolean
	/** Its extended attributes from then on. */
	orphanXattrs: Map<string, Buffer>

	/** A directory above it may have been moved by somebody else while it was being written. */
	pathInDoubt: boolean
	/** Others may have taken this process for dead, and the pin away. */
	pinInDoubt: boolean

	/** A publish, or whatever else decides what the file's content is, is under way; the next waits for it. */
	publishing: Promise<void> | undefined
	/** It is being copied to another node; whoever would change it waits. */
	moving: Promise<void> | undefined
	/** Changes of its content that are under way on a remote node. */
	readonly changing: Set<Promise<void>>
	/** How many calls other threads make with the descriptor, or have yet to begin. */
	aside: number
}

export function newOpenFile(opened: Pick<OpenFile, 'row' | 'node' | 'path' | 'fd' | 'known' | 'writable'>): OpenFile {
	return {
		...opened,
		id: opened.row.id,
		era: opened.node.health.era,
		handles: 0,
		writers: 0,
		knownAtMs: Date.now(),
		changes: 0,
		changesKnown: 0,
		orphan: false,
		orphanXattrs: new Map(),
		publishing: undefined,
		pathInDoubt: false,
		pinInDoubt: false,
		parted: false,
		abandoned: false,
		entered: undefined,
		published: false,
		unsynced: false,
		lent: false,
		older: undefined,
		moving: undefined,
		changing: new Set(),
		aside: 0,
		retired: [],
	}
}

/** A call with its descriptor that another thread may make: nobody closes that meanwhile, or the number might be another file's. */
export function withDescriptor<T>(file: OpenFile, call: (fd: number, node: Node) => Maybe<T>): Maybe<T> {
	const result = call(file.fd, file.node)
	if (!isPromise(result)) return result
	file.aside++
	return result.finally(() => file.aside--)
}

/** The last name of it went. */
export function becomeOrphan(file: OpenFile, xattrs = file.orphanXattrs): void {
	file.orphan = true
	file.orphanXattrs = xattrs
	file.row = { ...file.row, nlink: 0 }
}

/** This one, or of those before it the last that somebody has open. */
export function stillOpen(file: OpenFile | undefined): OpenFile | undefined {
	for (let one = file; one; one = one.older) if (one.handles > 0 || one.writers > 0) return one
	return undefined
}

/** What is written here is the file, for whoever opens it. */
export function isWrittenHere(file: OpenFile): boolean {
	return file.writers > 0 && !file.parted
}

export function contentDiffers(a: Stat, b: Stat | undefined): boolean {
	return b === undefined || a.size !== b.size || a.mtimeNs !== b.mtimeNs || a.ctimeNs !== b.ctimeNs || a.mtime !== b.mtime || a.ctime !== b.ctime
}

/** How long after a change the next may look the same where times are whole seconds: over SFTP, and on disks with small inodes. */
const WHOLE_SECOND_DOUBT_MS = 2_000

/** Whether it may have been written to since, and look as it did. A local file the kernel may write without a word to this process, by the same clock. */
export function mayHideChanges({ known, knownAtMs, changes, changesKnown, node }: OpenFile): boolean {
	if (known?.ctimeNs !== 0) return false
	return changes !== changesKnown || (!node.remote && knownAtMs - known.ctime * 1000 < WHOLE_SECOND_DOUBT_MS)
}

/** Whether what lies on a node is, by its size and time, what the catalogue has. */
export function isAsEntered(row: FileRow, stat: Stat | undefined): boolean {
	return row.size === stat?.size && row.mtime === stat.mtime && row.mtime_ns === stat.mtimeNs
}

/** What decides about the content of a file, one after the other. */
export function* inTurn<T>(file: OpenFile, work: () => Op<T>): Op<T> {
	while (file.publishing) yield* wait(file.publishing)
	const result = run(work())
	if (!isPromise(result)) return result
	file.publishing = result.then(() => undefined, () => undefined)
	try {
		return yield* wait(result)
	} finally {
		file.publishing = undefined
	}
}
