/**
 * The C library, through koffi: what Node has no name for, and what it does only with text names or on its thread pool.
 *
 * A call costs about a third of a microsecond. A Buffer or Uint8Array may stand for any `void *` argument; a path must end
 * in a NUL byte. Sizes and offsets are `int64_t` and travel as numbers.
 */
import { fstatSync, fsyncSync } from 'node:fs'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import './loading.ts'
import koffi from 'koffi'
import { codeOf, Errno } from './errors.ts'

type Call<Arguments extends unknown[]> = (...args: Arguments) => number

const library = koffi.load('libc.so.6')

/** A function of the C library: `libc<[number]>('int close(int fd)')`. Name it once, at the top of a module. */
export function libc<Arguments extends unknown[]>(signature: string): Call<Arguments> {
	return library.func(signature) as unknown as Call<Arguments>
}

/** Why the last call on this thread failed. Ask at once. */
export const errno: () => number = koffi.errno

/** Linux numbers (the same on x86-64 and arm64) of errors that `os.constants` leaves out. */
const NOT_IN_NODE: Record<string, number> = {
	ENOTBLK: 15,
	ENONET: 64,
	EREMOTE: 66,
	ECOMM: 70,
	EBADFD: 77,
	EREMCHG: 78,
	ERESTART: 85,
	EUSERS: 87,
	ESHUTDOWN: 108,
	EHOSTDOWN: 112,
	EUCLEAN: 117,
	EREMOTEIO: 121,
	ENOMEDIUM: 123,
	EMEDIUMTYPE: 124,
	ENOKEY: 126,
	EKEYEXPIRED: 127,
	EKEYREVOKED: 128,
	EKEYREJECTED: 129,
	EOWNERDEAD: 130,
	ENOTRECOVERABLE: 131,
	EHWPOISON: 133,
}

const numbers = new Map<string, number>(Object.entries({ ...NOT_IN_NODE, ...constants.errno }))
const names = new Map<number, string>()
for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name)
// Two names for one number: the one POSIX and the manual pages use for files.
names.set(constants.errno.EAGAIN, 'EAGAIN')
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP')
// What Linux calls "no such attribute".
numbers.set('ENOATTR', constants.errno.ENODATA)

/** ENOENT for 2; EIO for a number nobody knows. */
export function errnoName(number: number): string {
	return names.get(number) ?? 'EIO'
}

/** 2 for ENOENT; the number of EIO for a name nobody knows. */
export function errnoNumber(code: string): number {
	return numbers.get(code) ?? constants.errno.EIO
}

/** Where a failure is an answer: to make an error costs more than the call did. */
export function lastErrorName(): string {
	return errnoName(errno())
}

/** The error the last call on this thread left. `doing` says in words what failed. */
export function lastError(doing?: string): Errno {
	const code = errnoName(errno())
	return new Errno(code, doing === undefined ? code : `${doing}: ${code}`)
}

const EINTR = constants.errno.EINTR

/** Calls again while a signal interrupts it; the result, -1 on failure. */
export function uninterrupted(call: () => number): number {
	for (;;) {
		const result = call()
		if (result !== -1 || errno() !== EINTR) return result
	}
}

type Bytes = Uint8Array

export const close = libc<[fd: number]>('int close(int fd)')
export const dup = libc<[fd: number]>('int dup(int fd)')
export const openat = libc<[directory: number, path: Bytes, flags: number, mode: number]>(
	'int openat(int directory, const void *path, int flags, int mode)',
)
/** openat2(2) has no wrapper in the C library yet; its number is the same on every architecture. */
export const SYS_OPENAT2 = 437
export const openat2 = libc<[number: number, directory: number, path: Bytes, how: Bytes, size: number]>(
	'int64_t syscall(int64_t number, int directory, const void *path, void *how, size_t size)',
)
export const statx = libc<[directory: number, path: Bytes, flags: number, mask: number, into: Bytes]>(
	'int statx(int directory, const void *path, int flags, unsigned int mask, void *into)',
)
export const pread = libc<[fd: number, into: Bytes, length: number, position: number]>(
	'int64_t pread64(int fd, void *into, size_t length, int64_t position)',
)
export const pwrite = libc<[fd: number, from: Bytes, length: number, position: number]>(
	'int64_t pwrite64(int fd, const void *from, size_t length, int64_t position)',
)
export const read = libc<[fd: number, into: Bytes, length: number]>('int64_t read(int fd, void *into, size_t length)')
export const write = libc<[fd: number, from: Bytes, length: number]>('int64_t write(int fd, const void *from, size_t length)')
koffi.struct('iovec', { base: 'const void *', length: 'size_t' })
const pwritev2 = libc<[fd: number, parts: { base: Bytes; length: number }, count: number, position: number, flags: number]>(
	'int64_t pwritev64v2(int fd, const iovec *parts, int count, int64_t position, int flags)',
)
const RWF_APPEND = 0x10
/** Writes at the end whatever others append meanwhile, though the descriptor was not opened with O_APPEND. */
export function appendTo(fd: number, from: Bytes): number {
	return pwritev2(fd, { base: from, length: from.length }, 1, 0, RWF_APPEND)
}
export const ftruncate = libc<[fd: number, size: number]>('int ftruncate64(int fd, int64_t size)')
export const fallocate = libc<[fd: number, mode: number, offset: number, length: number]>(
	'int fallocate64(int fd, int mode, int64_t offset, int64_t length)',
)
export const lseek = libc<[fd: number, offset: number, whence: number]>('int64_t lseek64(int fd, int64_t offset, int whence)')
/** The two offsets are eight bytes each, read and written. */
export const copyFileRange = libc<[from: number, fromAt: Bytes, to: number, toAt: Bytes, length: number, flags: number]>(
	'int64_t copy_file_range(int from, void *fromAt, int to, void *toAt, size_t length, unsigned int flags)',
)
export const fsync = libc<[fd: number]>('int fsync(int fd)')
export const fdatasync = libc<[fd: number]>('int fdatasync(int fd)')
/** With a range that has no pages, and without anything to begin, it only says whether writing back failed since the last time. */
export const syncFileRange = libc<[fd: number, offset: number, length: number, flags: number]>(
	'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
)
export const POSIX_FADV_DONTNEED = 4
/** The number of an error, and not through errno. */
export const posixFadvise = libc<[fd: number, offset: number, length: number, advice: number]>(
	'int posix_fadvise64(int fd, int64_t offset, int64_t length, int advice)',
)
export const fchmod = libc<[fd: number, mode: number]>('int fchmod(int fd, unsigned int mode)')
export const fchmodat = libc<[directory: number, path: Bytes, mode: number, flags: number]>(
	'int fchmodat(int directory, const void *path, unsigned int mode, int flags)',
)
/** For chown: leaves the owner or the group as it is. */
export const UNCHANGED = 0xffff_ffff
/** fchmodat2(2), Linux 6.6: the C library's own way round it opens the file once more and goes through /proc. */
export const SYS_FCHMODAT2 = 452
export const fchmodat2 = libc<[number: number, directory: number, path: Bytes, mode: number, flags: number]>(
	'int64_t syscall(int64_t number, int directory, const void *path, unsigned int mode, int flags)',
)
export const fchown = libc<[fd: number, uid: number, gid: number]>('int fchown(int fd, unsigned int uid, unsigned int gid)')
export const fchownat = libc<[directory: number, path: Bytes, uid: number, gid: number, flags: number]>(
	'int fchownat(int directory, const void *path, unsigned int uid, unsigned int gid, int flags)',
)
/** Times are two `struct timespec`: seconds and nanoseconds of access, then of modification. */
export const futimens = libc<[fd: number, times: Bytes]>('int futimens(int fd, const void *times)')
export const utimensat = libc<[directory: number, path: Bytes, times: Bytes, flags: number]>(
	'int utimensat(int directory, const void *path, const void *times, int flags)',
)
export const mkdirat = libc<[directory: number, path: Bytes, mode: number]>(
	'int mkdirat(int directory, const void *path, unsigned int mode)',
)
export const unlinkat = libc<[directory: number, path: Bytes, flags: number]>(
	'int unlinkat(int directory, const void *path, int flags)',
)
export const renameat2 = libc<[fromDirectory: number, from: Bytes, toDirectory: number, to: Bytes, flags: number]>(
	'int renameat2(int fromDirectory, const void *from, int toDirectory, const void *to, unsigned int flags)',
)
export const RENAME_NOREPLACE = 1
export const linkat = libc<[fromDirectory: number, from: Bytes, toDirectory: number, to: Bytes, flags: number]>(
	'int linkat(int fromDirectory, const void *from, int toDirectory, const void *to, int flags)',
)
export const symlinkat = libc<[target: Bytes, directory: number, path: Bytes]>(
	'int symlinkat(const void *target, int directory, const void *path)',
)
export const readlinkat = libc<[directory: number, path: Bytes, into: Bytes, size: number]>(
	'int64_t readlinkat(int directory, const void *path, void *into, size_t size)',
)
export const getdents64 = libc<[fd: number, into: Bytes, size: number]>(
	'int64_t getdents64(int fd, void *into, size_t size)',
)
type Callback = (error: Error | null, result: number) => void
const sendfile64 = library.func('int64_t sendfile64(int to, int from, void *offset, size_t length)')
/** What threads of the pool read and write meanwhile: nothing else holds it. */
const lent = new Set<BigInt64Array>()

/** On a thread of the pool. -1 for whatever is in the way: why, only the calling thread could ask. */
export function sendfile({ to, from, offset, length }: { to: number; from: number; offset: number; length: number }): Promise<number> {
	const at = new BigInt64Array([BigInt(offset)])
	lent.add(at)
	return new Promise<number>((resolve, reject) => {
		sendfile64.async(to, from, at, length, ((error, sent) => (error ? reject(error) : resolve(sent))) satisfies Callback)
	}).finally(() => lent.delete(at))
}
const LOCK_EX = 2
const LOCK_NB = 4
const flock = libc<[fd: number, operation: number]>('int flock(int fd, int operation)')
/** Whether this open file has the lock now, which lasts until it is closed. */
export function tryLock(fd: number): boolean {
	return flock(fd, LOCK_EX | LOCK_NB) === 0
}
const syncfsHere = library.func('int syncfs(int fd)')
/** On a thread of the pool. -1 where something could not be written since the last time, or the descriptor is none. */
export function syncfs(fd: number): Promise<number> {
	return new Promise((resolve, reject) => {
		syncfsHere.async(fd, ((error, result) => (error ? reject(error) : resolve(result))) satisfies Callback)
	})
}
const umount2There = library.func('int umount2(const void *target, int flags)')
const MNT_DETACH = 2
/** On a thread of the pool: what is mounted below goes with it, and may have to be written through this process first. */
export function detachMount(target: Buffer): Promise<number> {
	return new Promise((resolve, reject) => {
		umount2There.async(target, MNT_DETACH, ((error, result) => (error ? reject(error) : resolve(result))) satisfies Callback)
	})
}
/** Ends the process now, whatever its threads are doing and without running what waits for its end. */
export const exitNow = libc<[code: number]>('void _exit(int code)')

/** koffi syncs what was printed to as the process ends, and does not come back where that is a file on a disk that fails. */
if (isMainThread) {
	process.on('exit', (code) => {
		// Another who is told of the end may have changed it.
		if (isFailingFile(1) || isFailingFile(2)) exitNow(Number(process.exitCode ?? code))
	})
}

function isFailingFile(fd: number): boolean {
	try {
		if (fstatSync(fd).isFile()) fsyncSync(fd)
		return false
	} catch (error) {
		return codeOf(error) !== 'EBADF'
	}
}

export const fstatvfs = libc<[fd: number, into: Bytes]>('int fstatvfs64(int fd, void *into)')

const mmap = library.func('void *mmap64(void *address, size_t length, int protection, int flags, int fd, int64_t offset)')
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_FAILED = 0xffff_ffff_ffff_ffffn
/** The beginning of a file, as it changes, for as long as this process lasts. */
export function mapForReading(fd: number, bytes: number): ArrayBuffer {
	return map(fd, bytes, PROT_READ)
}

/** The same, and what is written there is in the file. There is room for it on the disk: to write where there is none would end this process. */
export function mapForWriting(fd: number, bytes: number): ArrayBuffer {
	if (fallocate(fd, 0, 0, bytes) === -1) throw lastError()
	return map(fd, bytes, PROT_READ | PROT_WRITE)
}

function map(fd: number, bytes: number, protection: number): ArrayBuffer {
	const address = mmap(null, bytes, protection, MAP_SHARED, fd, 0)
	if (BigInt(koffi.address(address)) === MAP_FAILED) throw lastError()
	return koffi.view(address, bytes)
}
