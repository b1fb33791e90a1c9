/** What the package fuse-native offers, as far as it is used here, and loading it. */
import { createRequire } from 'node:module'
import { UserError } from '../../core/errors.ts'
import { EXIT } from '../../core/exit-codes.ts'

/** Zero or a count, or a negative errno; then what was asked for. */
export type Done<T = void> = (result: number, value?: T) => void

/** Times are milliseconds since 1970. */
export interface LibraryStat {
	mode: number
	uid: number
	gid: number
	size: number
	nlink: number
	ino: number
	rdev: number
	blksize: number
	blocks: number
	atime: number
	mtime: number
	ctime: number
}

/** What a listing shows of a file. */
export type ListedStat = Pick<LibraryStat, 'mode' | 'ino'>

const TYPE_SHIFT = 12

/** The kinds of the catalogue are the kernel's types. */
export function modeOf({ kind, mode }: { kind: number; mode: number }): number {
	return (kind << TYPE_SHIFT) | mode
}

export function kindOf(mode: number): number {
	return (mode >> TYPE_SHIFT) & 15
}

export interface LibraryStatfs {
	bsize: number
	frsize: number
	blocks: number
	bfree: number
	bavail: number
	files: number
	ffree: number
	favail: number
	namemax: number
}

/** The callbacks the library calls: those of libfuse 2, without the caller's identity. `fd` is what open answered. */
export interface Callbacks {
	getattr(path: string, done: Done<LibraryStat>): void
	/** Never called: the library asks `getattr` instead, once it sees that this is here. */
	fgetattr(path: string, fd: number, done: Done<LibraryStat>): void
	statfs(path: string, done: Done<LibraryStatfs>): void
	readdir(path: string, done: (result: number, names?: string[], stats?: ListedStat[]) => void): void
	open(path: string, flags: number, done: Done<number>): void
	create(path: string, mode: number, done: Done<number>): void
	read(path: string, fd: number, buffer: Buffer, length: number, position: number, done: Done): void
	write(path: string, fd: number, buffer: Buffer, length: number, position: number, done: Done): void
	truncate(path: string, size: number, done: Done): void
	ftruncate(path: string, fd: number, size: number, done: Done): void
	flush(path: string, fd: number, done: Done): void
	release(path: string, fd: number, done: Done): void
	fsync(path: string, dataOnly: number, fd: number, done: Done): void
	fsyncdir(path: string, dataOnly: number, fd: number, done: Done): void
	mkdir(path: string, mode: number, done: Done): void
	mknod(path: string, mode: number, device: number, done: Done): void
	rmdir(path: string, done: Done): void
	unlink(path: string, done: Done): void
	rename(from: string, to: string, done: Done): void
	link(from: string, to: string, done: Done): void
	symlink(target: string, path: string, done: Done): void
	readlink(path: string, done: Done<string>): void
	chmod(path: string, mode: number, done: Done): void
	chown(path: string, uid: number, gid: number, done: Done): void
	utimens(path: string, atimeMs: number, mtimeMs: number, done: Done): void
	getxattr(path: string, name: string, position: number, done: Done<Buffer>): void
	setxattr(path: string, name: string, value: Buffer, position: number, flags: number, done: Done): void
	listxattr(path: string, done: Done<Buffer>): void
	removexattr(path: string, name: string, done: Done): void
}

/** Answers the library's thread, which waits. */
export type Signal = (result: number, ...values: unknown[]) => void

/** Called with the memory of the thread that waits, the number of the operation and its arguments. */
export type Handler = (thread: Buffer, operation: number, ...args: unknown[]) => void

/** What lies behind its callbacks is replaced in repairs.ts where it is wrong. */
export interface LibraryMount {
	mount(done: (error: Error | null) => void): void
	unmount(done: (error: Error | null) => void): void
	_handlers: Handler[]
	_fuseOptions: () => string
	_op_utimens: (signal: Signal, path: string, ...times: number[]) => void
	_op_getxattr: (signal: Signal, path: string, name: string, room: Buffer) => void
	_op_listxattr: (signal: Signal, path: string, room: Buffer) => void
}

/** `timeout: false`: deadlines are the nodes' affair. */
export interface Library {
	new (mountPoint: string, callbacks: Callbacks, options: { timeout: false }): LibraryMount
	unmount(mountPoint: string, done: (error: Error | null) => void): void
}

const HOW = 'see docs/fuse-native.md, or mount with --driver fuse'

const load = createRequire(import.meta.url)

export function loadLibrary(require: (name: string) => unknown = load): Library {
	try {
		return require('fuse-native') as Library
	} catch (error) {
		throw new UserError(`--driver fuse-native: ${whatIsMissing(error as NodeJS.ErrnoException)} (${HOW})`, EXIT.notStarted)
	}
}

function whatIsMissing(error: NodeJS.ErrnoException): string {
	if (error.code === 'MODULE_NOT_FOUND') return 'the package is not installed: npm install fuse-native'
	if (/libfuse/.test(error.message)) return 'libfuse 2 is missing: apt-get install libfuse2'
	return `the package does not load here: ${error.message.split('\n')[0]}`
}
