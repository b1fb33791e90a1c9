/**
 * What can be done on a node's tree. This file is the specification; local.ts does it on the calling thread, lanes.ts does
 * it in worker threads with a deadline, and tests/nodes runs one suite over both.
 *
 * Paths are bytes relative to the node's root, without a leading slash; the root itself is the empty path. They are
 * resolved beneath the root a component at a time and never through a symlink, whatever their length. Every failure is an
 * Errno with the operating system's name for it; ETIMEDOUT when the deadline passed, ENOTCONN when the node is not in
 * service. A descriptor is a number of this process and may be used from any of its threads.
 */
import type { Name, NodeId, Path } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Disk } from './disk.ts'

export interface Stat {
	/** st_mode whole, with the type of file. */
	mode: number
	nlink: number
	uid: number
	gid: number
	rdev: number
	size: number
	/** In units of 512 bytes. */
	blocks: number
	ino: number
	dev: number
	atime: number
	atimeNs: number
	mtime: number
	mtimeNs: number
	ctime: number
	ctimeNs: number
}

export interface Inode {
	/** Number and birth: a number is given again. */
	id: string
	/** When anything of it was changed last: microseconds since 1970. */
	changed: number
}

export interface Space {
	/** Bytes. `free` is what an ordinary user may still write. */
	capacity: number
	free: number
	files: number
	filesFree: number
	/** Nodes that say the same share this room. 0: not known yet. */
	disk: number
}

export interface Attributes {
	/** Permission bits; set-id bits are never put on a node's files. */
	mode?: number
	uid?: number
	gid?: number
	atime?: number
	atimeNs?: number
	mtime?: number
	mtimeNs?: number
}

export interface DirectoryEntry {
	name: Buffer
	/** DT_ value. */
	kind: number
}

export interface NodeOperations {
	/** A descriptor of an existing regular file. `flags` are O_RDONLY or O_RDWR, with O_TRUNC if asked. ELOOP where a symlink stands in the way, EINVAL where it is not a regular file. */
	open(path: Path, flags: number): Maybe<number>
	/**
	 * Creates a regular file that must not exist (EEXIST) and opens it O_RDWR. ENOENT when a parent is missing.
	 * Ownership that this process may not give away is left as it is.
	 */
	create(path: Path, attributes: { mode: number; uid: number; gid: number }): Maybe<number>
	close(fd: number): Maybe<void>
	fstat(fd: number): Maybe<Stat>
	/** Of the last component itself, if it is a symlink. */
	stat(path: Path): Maybe<Stat>
	/** The same of many names of one directory: undefined where nothing stands, the code of what cannot be said. */
	statNames(directory: Path, names: readonly Name[]): Maybe<Array<Stat | string | undefined>>
	/** What tells what stands there from whatever stands there later; undefined where nothing does. Of the node's root for an empty path. */
	inode(path: Path): Maybe<Inode | undefined>
	/** Bytes read into `buffer`, fewer only at the end of the file. */
	read(fd: number, buffer: Uint8Array, position: number): Maybe<number>
	/** Writes all of `buffer` or fails: what was written before a failure stays written; `position` -1 appends. The number of bytes written: fewer only when the disk filled in the middle. */
	write(fd: number, buffer: Uint8Array, position: number): Maybe<number>
	truncate(fd: number, size: number): Maybe<void>
	/** `mode` as fallocate(2). */
	allocate(fd: number, mode: number, offset: number, length: number): Maybe<void>
	/** lseek(2) with SEEK_DATA (3) or SEEK_HOLE (4): ENXIO past the end. */
	seek(fd: number, offset: number, whence: number): Maybe<number>
	/** copy_file_range(2) between two descriptors of this node: the bytes copied. */
	copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): Maybe<number>
	sync(fd: number, dataOnly: boolean): Maybe<void>
	/**
	 * What close(2) would answer, and the descriptor stays open: a network filesystem sends what it holds back, and says whether its server took
	 * it. Where the kernel has failed to write back, that is told here too, once. Nothing is waited for on a disk.
	 */
	flush(fd: number): Maybe<void>
	setFileAttributes(fd: number, attributes: Attributes): Maybe<void>

	/** The rest is idempotent: carrying it out twice is the same as once, and a thing already gone or already there is no error where stated. */

	/** Of a path; of a symlink itself. ENOENT is an error. */
	setAttributes(path: Path, attributes: Attributes): Maybe<void>
	/** Of a file or a directory, those of users. */
	xattrs(path: Path): Maybe<Xattr[]>
	/** These and no others of users. What its filesystem cannot keep is left out. ENOENT is an error. */
	setXattrs(path: Path, wanted: readonly Xattr[]): Maybe<void>
	/** The directory and whatever parents it lacks. An existing one is left as it is; `mode`, `uid`, `gid` apply to the last component when it is made. */
	makeDirectory(path: Path, attributes?: Attributes): Maybe<void>
	/** Gone already: no error. EISDIR for a directory. */
	unlink(path: Path): Maybe<void>
	/** Gone already: no error. ENOTEMPTY when something is in it. */
	removeDirectory(path: Path): Maybe<void>
	/** Replaces a file of that name; EEXIST instead where there should be none. Source gone: ENOENT. Makes missing parents of the target. */
	rename(from: Path, to: Path, isNew?: boolean): Maybe<void>
	/** Same inode there already: no error. EEXIST when another file has the name. Makes missing parents of the target. */
	link(from: Path, to: Path): Maybe<void>
	/** Same target there already: no error. EEXIST for anything else. Makes missing parents. */
	symlink(target: Buffer, path: Path): Maybe<void>
	/** The target of a symlink. EINVAL where it is something else. */
	readlink(path: Path): Maybe<Buffer>
	/** Moves whatever stands at the path to `.cairn/conflicts/` under a name of its own; that path. ENOENT when nothing does. */
	setAside(path: Path): Maybe<Path>
	/** Whole, or an error: a listing that failed half-way is never returned as a short one. Without `.`, `..` and, in the root, `.cairn`. */
	list(path: Path): Maybe<DirectoryEntry[]>
	space(): Maybe<Space>
	/** Reads `.cairn/node.json` by the node's configured path, not by an open descriptor, and compares: throws Errno ENODEV with a sentence when it is missing, ESTALE when it names another node or when the path leads to another directory than the one in use. */
	identify(uuid: string): Maybe<void>
	/** Another client renamed or removed directories: what is remembered of where they are no longer holds. */
	forgetDirectories(): void
	/** Holds no directory open on a local disk, until it is identified again. */
	leave(): void
	/** Ends what it holds; stuck calls are left behind. */
	end(): void
}

export interface Xattr {
	name: Uint8Array
	value: Uint8Array
}

export type NodeState = 'rw' | 'nc' | 'ro' | 'drain' | 'down' | 'dead'

/** A node as the catalogue has it. */
export interface NodeRow {
	id: NodeId
	name: string
	path: string
	zone: string
	state: NodeState
	since: number
	uuid: string
	io: 'auto' | 'passthrough' | 'carried'
	capacity: number
	free: number
	reserve: number
	weight: number
	seen_at: number
}

/** A node as a running process has it. */
export interface Node {
	readonly id: NodeId
	readonly name: string
	readonly root: string
	/** The catalogue's row; refreshed when it changes. */
	row: NodeRow
	/** Reached through a filesystem that can hang: never called on the main thread, never passthrough. */
	readonly remote: boolean
	/** Its data may be handed to the kernel (passthrough), if the mount can. */
	readonly passthrough: boolean
	readonly operations: NodeOperations
	/** Undefined of a remote node: what its server has on its disk cannot be told from here. */
	readonly disk: Disk | undefined
	readonly health: Health
	/** Of a remote node: settled, never rejected, when its first identification ended either way. Of a local one that is done before. */
	readonly ready: Promise<void> | undefined
	space: Space
}

export interface Health {
	/** In service: identified, breaker closed. Says nothing of the state the keeper gave it. */
	up: boolean
	/** Unix seconds since `up` has its value. */
	since: number
	/** How often it came into service. What was opened before it did the last time may be of a mount that is gone. */
	era: number
	/** Why it is not up, or the last failure. */
	reason: string
	/** Of calls that ask, and of those that change something. */
	read: Latency
	write: Latency
	failures: number
	calls: number
	stuck: number
}

/** How long calls take, smoothed. */
export interface Latency {
	ms: number
	/** By `performance.now()`; 0: nothing was measured yet. */
	measuredMs: number
}
