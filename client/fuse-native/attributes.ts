/** Callbacks about attributes, extended attributes and room. */
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import type { Time } from '../../core/clock.ts'
import { type AttributeChange, setAttributes } from '../../core/filesystem/attributes.ts'
import { NAME_BYTES_MAX } from '../../core/filesystem/names.ts'
import { statfs } from '../../core/filesystem/statfs.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from '../../core/filesystem/xattrs.ts'
import type { Op } from '../../core/op.ts'
import { checkNamespace } from '../namespaces.ts'
import { answer } from './answer.ts'
import { type Callbacks, type LibraryStat, type LibraryStatfs, modeOf } from './library.ts'
import { toBytes } from './paths.ts'
import type { Portable } from './portable.ts'

const BLOCK_BYTES = 4096
const DIRECTORY_BLOCKS = 8
/** What the package keeps in 32 bits. */
const WORD = 0x1_0000_0000
/** uid_t and gid_t -1: leave as it is. */
const UNCHANGED = WORD - 1
const XATTR_CREATE = 1
const XATTR_REPLACE = 2

type AttributeCallbacks = Pick<
	Callbacks,
	'getattr' | 'fgetattr' | 'statfs' | 'chmod' | 'chown' | 'utimens' | 'truncate' | 'ftruncate' | 'getxattr' | 'setxattr' | 'listxattr' | 'removexattr'
>

export function attributeCallbacks(portable: Portable): AttributeCallbacks {
	const { fs } = portable
	return {
		getattr: (path, done) => answer(fs, stat(portable, path), done),
		fgetattr: (path, _fd, done) => answer(fs, stat(portable, path), done),
		statfs: (_path, done) => done(0, room(portable)),
		chmod: (path, mode, done) => answer(fs, change(portable, path, { mode: mode & 0o7777 }), done),
		chown: (path, uid, gid, done) => answer(fs, change(portable, path, ownerChange(uid, gid)), done),
		utimens: (path, atimeMs, mtimeMs, done) => answer(fs, change(portable, path, { atime: toTime(atimeMs), mtime: toTime(mtimeMs) }), done),
		truncate: (path, size, done) => answer(fs, change(portable, path, { size }), done),
		ftruncate: (_path, fd, size, done) => answer(fs, resize(portable, fd, size), done),
		getxattr: (path, name, _position, done) => answer(fs, xattr(portable, path, name), done),
		setxattr: (path, name, value, _position, flags, done) => answer(fs, set(portable, path, { name, value, flags }), done),
		listxattr: (path, done) => answer(fs, list(portable, path), done),
		removexattr: (path, name, done) => answer(fs, remove(portable, path, name), done),
	}
}

/** libfuse takes one link off what it hid, for the name it believes the file still has. */
function* stat({ paths, hidden }: Portable, path: string): Op<LibraryStat> {
	const row = yield* paths.row(path)
	return toStat(row, hidden.find(path) === undefined ? row.nlink : row.nlink + 1)
}

function toStat(row: FileRow, nlink: number): LibraryStat {
	return {
		mode: modeOf(row),
		uid: row.uid,
		gid: row.gid,
		size: row.size,
		nlink,
		ino: row.id,
		rdev: row.rdev,
		blksize: BLOCK_BYTES,
		blocks: row.kind === KIND.directory ? DIRECTORY_BLOCKS : row.blocks,
		atime: toMs(row.atime, row.atime_ns),
		mtime: toMs(row.mtime, row.mtime_ns),
		ctime: toMs(row.ctime, row.ctime_ns),
	}
}

/** The package's numbers have no sign: what is older than 1970 is shown as 1970. */
function toMs(s: number, ns: number): number {
	return Math.max(0, s * 1000 + Math.floor(ns / 1e6))
}

function toTime(ms: number): Time {
	const s = Math.floor(ms / 1000)
	return { s, ns: (ms - s * 1000) * 1e6 }
}

/** Block counts have 32 bits: larger blocks for a larger tree. */
function room({ fs }: Portable): LibraryStatfs {
	const space = statfs(fs)
	let factor = 1
	while (space.blocks / factor >= WORD) factor *= 2
	const blockBytes = space.blockBytes * factor
	const free = Math.floor(space.blocksFree / factor)
	const files = Math.min(space.files, WORD - 1)
	const filesFree = Math.min(space.filesFree, WORD - 1)
	return {
		bsize: blockBytes,
		frsize: blockBytes,
		blocks: Math.floor(space.blocks / factor),
		bfree: free,
		bavail: free,
		files,
		ffree: filesFree,
		favail: filesFree,
		namemax: NAME_BYTES_MAX,
	}
}

function ownerChange(uid: number, gid: number): AttributeChange {
	return { ...(uid === UNCHANGED ? {} : { uid }), ...(gid === UNCHANGED ? {} : { gid }) }
}

function* change({ fs, paths }: Portable, path: string, wanted: AttributeChange): Op<void> {
	yield* setAttributes(fs, yield* paths.id(path), wanted)
}

function* resize({ fs, handles }: Portable, fd: number, size: number): Op<void> {
	const { file } = handles.file(fd)
	yield* setAttributes(fs, file.id, { size }, file)
}

function* xattr({ fs, paths }: Portable, path: string, name: string): Op<Buffer> {
	return Buffer.from(yield* getXattr(fs, yield* paths.id(path), attributeName(name)))
}

/** The value is the library's memory, which it takes back. */
function* set({ fs, paths }: Portable, path: string, { name, value, flags }: { name: string; value: Buffer; flags: number }): Op<void> {
	const modes = { create: (flags & XATTR_CREATE) !== 0, replace: (flags & XATTR_REPLACE) !== 0 }
	const copy = Buffer.from(value)
	yield* setXattr(fs, yield* paths.id(path), attributeName(name), copy, modes)
}

function* list({ fs, paths }: Portable, path: string): Op<Buffer> {
	return yield* listXattrs(fs, yield* paths.id(path))
}

function* remove({ fs, paths }: Portable, path: string, name: string): Op<void> {
	yield* removeXattr(fs, yield* paths.id(path), attributeName(name))
}

function attributeName(name: string): Buffer {
	const bytes = toBytes(name)
	checkNamespace(bytes)
	return bytes
}
