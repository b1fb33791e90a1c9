/**
 * Where version 2.2.6 of the package is wrong or has no option. Its methods are replaced on the one object that is mounted;
 * the package's files stay as they are.
 */
import { constants } from 'node:os'
import type { Callbacks, Handler, Library, LibraryMount, Signal } from './library.ts'

const OP_UTIMENS = 12
/** In the memory of a waiting thread (fuse_thread_locals_t, the same on x86-64 and arm64): milliseconds, 64 bits each. */
const ATIME_AT = 104
const MTIME_AT = 112
const WORD = 0x1_0000_0000

export function repair(mount: LibraryMount, callbacks: Callbacks, options: string): LibraryMount {
	mount._handlers[OP_UTIMENS] = withBothTimes(mount._handlers[OP_UTIMENS])
	return Object.assign(mount, {
		_fuseOptions: () => `-o${options}`,
		_op_utimens: utimensOf(callbacks),
		_op_getxattr: getxattrOf(callbacks),
		_op_listxattr: listxattrOf(callbacks),
	})
}

/**
 * The package hands the mount point to a shell. Unmounting is done elsewhere; what its own unmount is then called for is
 * that it stops keeping the process alive.
 */
export function withoutShell(library: Library): Library {
	library.unmount = (_mountPoint, done) => done(null)
	return library
}

/** The package passes the access time twice. The other one is in the memory it passes along. */
function withBothTimes(handler: Handler): Handler {
	return (thread, operation, path, atimeLow, atimeHigh) => {
		const isWhereExpected = thread.readUInt32LE(ATIME_AT) === atimeLow && thread.readUInt32LE(ATIME_AT + 4) === atimeHigh
		const mtime = isWhereExpected ? [thread.readUInt32LE(MTIME_AT), thread.readUInt32LE(MTIME_AT + 4)] : []
		handler(thread, operation, path, atimeLow, atimeHigh, ...mtime)
	}
}

/** Without a modification time to trust, none is set: a wrong one would be worse. */
function utimensOf({ utimens }: Callbacks) {
	return (signal: Signal, path: string, ...[atimeLow, atimeHigh, mtimeLow, mtimeHigh]: number[]) => {
		if (mtimeLow === undefined) return signal(-constants.errno.EOPNOTSUPP)
		utimens(path, signed(atimeLow, atimeHigh), signed(mtimeLow, mtimeHigh), (result) => signal(result))
	}
}

/** Times before 1970 are negative. */
function signed(low: number, high: number): number {
	return (high | 0) * WORD + low
}

/** The package copies what fits and reports the whole length, which libfuse then sends from beyond the buffer. */
function getxattrOf({ getxattr }: Callbacks) {
	return (signal: Signal, path: string, name: string, room: Buffer) =>
		getxattr(path, name, 0, (result, value) => signal(result < 0 || !value ? result : put(value, room), room.buffer))
}

/** The same for the list of names, whose size the package overstates by 128 bytes when it is asked for. */
function listxattrOf({ listxattr }: Callbacks) {
	return (signal: Signal, path: string, room: Buffer) =>
		listxattr(path, (result, list) => signal(result < 0 || !list ? result : put(list, room), room.buffer))
}

/** No room at all asks for the size. */
function put(value: Buffer, room: Buffer): number {
	if (room.length === 0) return value.length
	if (value.length > room.length) return -constants.errno.ERANGE
	value.copy(room)
	return value.length
}
