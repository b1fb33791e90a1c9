/**
 * The system calls the tests need and Node does not offer, with the kernel's own answers: a number, bytes, or an Errno.
 * Paths are strings or bytes. Everything here blocks: it is for a process that may be killed (see hands.ts).
 */
import koffi from 'koffi'
import { Errno } from '../../core/errors.ts'
import { errnoName } from '../../core/libc.ts'

export type PathLike = string | Buffer

const libc = koffi.load('libc.so.6')

const AT_FDCWD = -100
const SYS_GETDENTS64 = process.arch === 'arm64' ? 61 : 217

function declare(signature: string): (...args: unknown[]) => number {
	const call = libc.func(signature)
	const name = signature.slice(signature.indexOf(' ') + 1, signature.indexOf('('))
	return (...args) => {
		const answer = Number(call(...args))
		if (answer >= 0) return answer
		const code = errnoName(koffi.errno())
		throw new Errno(code, `${name}: ${code}`)
	}
}

const native = {
	open: declare('int open(const uint8_t *path, int flags, uint32_t mode)'),
	mknod: declare('int mknod(const uint8_t *path, uint32_t mode, uint64_t device)'),
	rename: declare('int renameat2(int from, const uint8_t *a, int to, const uint8_t *b, uint32_t flags)'),
	link: declare('int linkat(int from, const uint8_t *a, int to, const uint8_t *b, int flags)'),
	lsetxattr: declare('int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)'),
	lgetxattr: declare('int64_t lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)'),
	llistxattr: declare('int64_t llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)'),
	lremovexattr: declare('int lremovexattr(const uint8_t *path, const uint8_t *name)'),
	fsetxattr: declare('int fsetxattr(int fd, const uint8_t *name, const uint8_t *value, size_t size, int flags)'),
	fallocate: declare('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
	truncate: declare('int truncate(const uint8_t *path, int64_t size)'),
	lseek: declare('int64_t lseek(int fd, int64_t offset, int whence)'),
	copyFileRange: declare(
		'int64_t copy_file_range(int from, _Inout_ int64_t *fromOffset, int to, _Inout_ int64_t *toOffset, size_t length, uint32_t flags)',
	),
	flock: declare('int flock(int fd, int operation)'),
	fcntl: declare('int fcntl(int fd, int command, _Inout_ uint8_t *argument)'),
	utimensat: declare('int utimensat(int directory, const uint8_t *path, const uint8_t *times, int flags)'),
	nameToHandle: declare('int name_to_handle_at(int directory, const uint8_t *path, _Inout_ uint8_t *handle, _Out_ int *mount, int flags)'),
	openHandle: declare('int open_by_handle_at(int mount, const uint8_t *handle, int flags)'),
	statvfs: declare('int statvfs(const uint8_t *path, _Out_ uint8_t *answer)'),
	getdents: declare('int64_t syscall(int64_t number, int fd, _Out_ uint8_t *buffer, size_t size)'),
	access: declare('int faccessat(int directory, const uint8_t *path, int mode, int flags)'),
	pread: declare('int64_t pread(int fd, void *buffer, size_t size, int64_t position)'),
	pwrite: declare('int64_t pwrite(int fd, void *buffer, size_t size, int64_t position)'),
	munmap: declare('int munmap(void *address, size_t length)'),
	msync: declare('int msync(void *address, size_t length, int flags)'),
	alignedAlloc: libc.func('void *aligned_alloc(size_t alignment, size_t size)'),
	free: libc.func('void free(void *memory)'),
	mmap: libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
	copyIn: libc.func('void *memcpy(void *to, const uint8_t *from, size_t length)'),
	copyOut: libc.func('void *memcpy(_Out_ uint8_t *to, const void *from, size_t length)'),
}

function bytes(path: PathLike): Buffer {
	return Buffer.concat([Buffer.isBuffer(path) ? path : Buffer.from(path), Buffer.from([0])])
}


export const O_TMPFILE = process.arch === 'arm64' ? 0o20040000 : 0o20200000

export const open = (path: PathLike, flags: number, mode = 0o644): number => native.open(bytes(path), flags, mode)
export const mknod = (path: PathLike, mode: number, device = 0): void => void native.mknod(bytes(path), mode, device)
export const truncate = (path: PathLike, size: number): void => void native.truncate(bytes(path), size)
export const access = (path: PathLike, mode: number): void => {
	const AT_EACCESS = 0x200
	native.access(AT_FDCWD, bytes(path), mode, AT_EACCESS)
}

export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2
export const rename = (from: PathLike, to: PathLike, flags = 0): void =>
	void native.rename(AT_FDCWD, bytes(from), AT_FDCWD, bytes(to), flags)

/** Gives an open, perhaps nameless file a name: linkat of /proc/self/fd/N, followed. */
export function linkOpen(fd: number, to: PathLike): void {
	const AT_SYMLINK_FOLLOW = 0x400
	native.link(AT_FDCWD, bytes(`/proc/self/fd/${fd}`), AT_FDCWD, bytes(to), AT_SYMLINK_FOLLOW)
}

export const XATTR_CREATE = 1
export const XATTR_REPLACE = 2
export const setXattr = (path: PathLike, name: PathLike, value: PathLike, flags = 0): void => {
	const data = Buffer.from(value as string)
	native.lsetxattr(bytes(path), bytes(name), data, data.length, flags)
}
export const setXattrOpen = (fd: number, name: PathLike, value: PathLike): void => {
	const data = Buffer.from(value as string)
	native.fsetxattr(fd, bytes(name), data, data.length, 0)
}
export function getXattr(path: PathLike, name: PathLike, room = 65536): Buffer {
	const buffer = Buffer.alloc(room)
	return buffer.subarray(0, native.lgetxattr(bytes(path), bytes(name), buffer, room))
}
/** The size the kernel says a value has, asked with a buffer of no length. */
export const xattrSize = (path: PathLike, name: PathLike): number => native.lgetxattr(bytes(path), bytes(name), null, 0)
export function listXattrs(path: PathLike): string[] {
	const buffer = Buffer.alloc(65536)
	const size = native.llistxattr(bytes(path), buffer, buffer.length)
	return buffer.toString('latin1', 0, size).split('\0').slice(0, -1).sort()
}
export const removeXattr = (path: PathLike, name: PathLike): void =>
	void native.lremovexattr(bytes(path), bytes(name))

export const FALLOC_KEEP_SIZE = 1
export const FALLOC_PUNCH_HOLE = 2
export const FALLOC_ZERO_RANGE = 16
export const fallocate = (fd: number, mode: number, offset: number, length: number): void =>
	void native.fallocate(fd, mode, offset, length)

export const SEEK_SET = 0
export const SEEK_END = 2
export const SEEK_DATA = 3
export const SEEK_HOLE = 4
export const lseek = (fd: number, offset: number, whence: number): number => native.lseek(fd, offset, whence)

export function copyFileRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
	return native.copyFileRange(from, [fromOffset], to, [toOffset], length, 0)
}

export const LOCK_SH = 1
export const LOCK_EX = 2
export const LOCK_NB = 4
export const LOCK_UN = 8
export const flock = (fd: number, operation: number): void => void native.flock(fd, operation)

export const F_RDLCK = 0
export const F_WRLCK = 1
export const F_UNLCK = 2
export const F_SETLK = 6
export const F_OFD_SETLK = 37

/** fcntl(2) record locks. The type of lock F_GETLK found in the way, or what was asked. */
export function lock(fd: number, command: number, range: { type: number; start?: number; length?: number }): number {
	const argument = Buffer.alloc(32) // struct flock: two shorts, padding, start, length, pid
	argument.writeInt16LE(range.type, 0)
	argument.writeBigInt64LE(BigInt(range.start ?? 0), 8)
	argument.writeBigInt64LE(BigInt(range.length ?? 0), 16)
	native.fcntl(fd, command, argument)
	return argument.readInt16LE(0)
}

const HANDLE_BYTES_MAX = 128

/** What a server of NFS gives its clients for a file: good for as long as the file is there. */
export function handleOf(path: PathLike): Buffer {
	const handle = Buffer.alloc(8 + HANDLE_BYTES_MAX) // struct file_handle: length, type, content
	handle.writeUInt32LE(HANDLE_BYTES_MAX, 0)
	native.nameToHandle(AT_FDCWD, bytes(path), handle, [0], 0)
	return handle
}
/** `mount`: an open file or directory of the filesystem that the handle is of. */
export const openHandle = (mount: number, handle: Buffer, flags: number): number => native.openHandle(mount, handle, flags)

export const UTIME_NOW = 0x3fffffff
export const UTIME_OMIT = 0x3ffffffe

export interface Time {
	seconds: number
	nanoseconds: number
}

/** Of the path itself, if it is a symlink. */
export function setTimes(path: PathLike, atime: Time, mtime: Time): void {
	const AT_SYMLINK_NOFOLLOW = 0x100
	const times = Buffer.alloc(32)
	for (const [index, time] of [atime, mtime].entries()) {
		times.writeBigInt64LE(BigInt(time.seconds), index * 16)
		times.writeBigInt64LE(BigInt(time.nanoseconds), index * 16 + 8)
	}
	native.utimensat(AT_FDCWD, bytes(path), times, AT_SYMLINK_NOFOLLOW)
}

/** statvfs(3), of which Node leaves out the longest name and the flags. */
export function statvfs(path: PathLike) {
	const answer = Buffer.alloc(112)
	native.statvfs(bytes(path), answer)
	const field = (index: number) => Number(answer.readBigUInt64LE(index * 8))
	return {
		blockBytes: field(1),
		blocks: field(2),
		free: field(3),
		available: field(4),
		files: field(5),
		filesFree: field(6),
		flags: field(9),
		nameMax: field(10),
	}
}

export interface Dirent {
	ino: bigint
	/** Where lseek takes the descriptor to go on after this entry. */
	cookie: bigint
	kind: number
	name: Buffer
}

/** One getdents64(2): some entries of an open directory, none at its end. */
export function getdents(fd: number, size = 32768): Dirent[] {
	const buffer = Buffer.alloc(size)
	const end = native.getdents(SYS_GETDENTS64, fd, buffer, size)
	const entries: Dirent[] = []
	for (let at = 0; at < end; at += buffer.readUInt16LE(at + 16)) {
		entries.push({
			ino: buffer.readBigUInt64LE(at),
			cookie: buffer.readBigInt64LE(at + 8),
			kind: buffer[at + 18] as number,
			name: Buffer.from(buffer.subarray(at + 19, buffer.indexOf(0, at + 19))),
		})
	}
	return entries
}

/** Cookies are 64-bit and may not fit a double. */
export const seekDirectory = (fd: number, cookie: bigint): void => void native.lseek(fd, cookie, SEEK_SET)

export interface Mapping {
	read(offset: number, length: number): Buffer
	write(offset: number, data: Buffer): void
	sync(): void
	close(): void
}

/** A shared mapping of the first `length` bytes of an open file. */
export function map(fd: number, length: number, writable = true): Mapping {
	const PROT_READ = 1
	const PROT_WRITE = 2
	const MAP_SHARED = 1
	const MS_SYNC = 4
	const address = native.mmap(null, length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0)
	const base = koffi.address(address)
	if (base === 0xffffffffffffffffn) throw new Errno(errnoName(koffi.errno()), 'mmap')
	return {
		read(offset, size) {
			const out = Buffer.alloc(size)
			native.copyOut(out, base + BigInt(offset), size)
			return out
		},
		write: (offset, data) => void native.copyIn(base + BigInt(offset), data, data.length),
		sync: () => void native.msync(base, length, MS_SYNC),
		close: () => void native.munmap(base, length),
	}
}

/** pwrite(2) and pread(2) with memory aligned as O_DIRECT wants it. */
export function alignedWrite(fd: number, data: Buffer, position: number): number {
	return withAligned(data.length, (memory) => {
		native.copyIn(memory, data, data.length)
		return native.pwrite(fd, memory, data.length, position)
	})
}

export function alignedRead(fd: number, length: number, position: number): Buffer {
	return withAligned(length, (memory) => {
		const out = Buffer.alloc(native.pread(fd, memory, length, position))
		native.copyOut(out, memory, out.length)
		return out
	})
}

function withAligned<T>(length: number, body: (memory: unknown) => T): T {
	const memory = native.alignedAlloc(4096, Math.ceil(length / 4096) * 4096)
	try {
		return body(memory)
	} finally {
		native.free(memory)
	}
}
