/** What node.ts says, on the calling thread, for a directory that answers as a disk does. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { constants as system } from 'node:os'
import { codeOf, fail } from '../errors.ts'
import {
	close,
	errno,
	fchmodat,
	fchmodat2,
	fchownat,
	fstatvfs,
	lastError,
	lastErrorName,
	linkat,
	mkdirat,
	readlinkat,
	RENAME_NOREPLACE,
	renameat2,
	symlinkat,
	SYS_FCHMODAT2,
	UNCHANGED,
	unlinkat,
	utimensat,
} from '../libc.ts'
import { lastComponent, O_CLOEXEC, openBeneath, terminated } from './beneath.ts'
import {
	allocateIn,
	closeDescriptor,
	copyBetween,
	flushOpen,
	hearOfRefusals,
	readAt,
	seekIn,
	setOpenAttributes,
	syncOpen,
	truncateTo,
	writeAt,
} from './descriptors.ts'
import { listDescriptor } from './listing.ts'
import type { Attributes, DirectoryEntry, Inode, NodeOperations, Space, Stat } from './node.ts'
import { type OnName, type OnNames, openNames } from './names.ts'
import { keepMode, passOverRefusal, remaining } from './ownership.ts'
import { unlinkName } from './removal.ts'
import { openRoot } from './root.ts'
import { AT_SYMLINK_NOFOLLOW, decodeInode, decodeStat, inodeInto, inodeOfDescriptor, kindOf, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, statDescriptor, statInto } from './stat.ts'
import { encodeTimes, hasTimes } from './times.ts'
import { setXattrsOf, xattrsOf } from './xattrs.ts'

const { ENOSYS } = system.errno
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants
const O_ACCESS = O_WRONLY | O_RDWR
const AT_REMOVEDIR = 0x200
/** The longest target a symlink can have, and its NUL. */
const TARGET_BYTES = 4097
/** A longer name is cut when it is set aside, to leave room for what makes it unique. */
const ASIDE_NAME_BYTES_MAX = 200
const OWN_DIRECTORY_MODE = 0o700
const DIRECTORY_MODE = 0o755
const OWN = Buffer.from('.cairn')
const CONFLICTS = Buffer.from('.cairn/conflicts')

export type LocalOperations = { [Method in keyof NodeOperations]: Synchronous<NodeOperations[Method]> }
type Synchronous<F> = F extends (...args: infer A) => infer R ? (...args: A) => Exclude<R, Promise<unknown>> : never

const target = new Uint8Array(TARGET_BYTES)
const nameBytes = new Uint8Array(4096)
const statvfs = new Uint32Array(32)
const statvfsBytes = new Uint8Array(statvfs.buffer)

/** `isDisk`: nothing happens there at close(2). */
export function openLocalOperations(rootPath: string, isDisk = false): LocalOperations {
	const root = openRoot(rootPath)
	const names = openNames(root.descriptor)
	const { parents } = names

	function openAt(path: Buffer, flags: number, mode: number): number {
		return openBeneath(root.descriptor(), path, path.length, flags | O_CLOEXEC, mode)
	}

	function open(path: Buffer, flags: number): number {
		const fd = openRegular(path, (flags & (O_ACCESS | O_TRUNC)) | O_NOFOLLOW)
		if (kindOf(fd) === S_IFREG) return fd
		close(fd)
		fail('EINVAL', 'not a regular file')
	}

	function openRegular(path: Buffer, flags: number): number {
		try {
			// Without O_NONBLOCK the open of a fifo would wait for its other end.
			return openAt(path, flags | O_NONBLOCK, 0)
		} catch (error) {
			// A directory for writing, a socket, a device without a driver.
			if (['EISDIR', 'ENXIO', 'ENODEV'].includes(codeOf(error))) fail('EINVAL', 'not a regular file')
			throw error
		}
	}

	function create(path: Buffer, attributes: { mode: number; uid: number; gid: number }): number {
		lastComponent(path)
		const fd = openAt(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, keepMode(attributes.mode, false))
		const rest = remaining(attributes, false)
		if (rest === undefined) return fd
		try {
			setOpenAttributes(fd, rest)
			return fd
		} catch (error) {
			close(fd)
			unlink(path)
			throw error
		}
	}

	function stat(path: Buffer): Stat {
		if (path.length === 0) return statDescriptor(root.descriptor())
		names.on(path, statInto)
		return decodeStat()
	}

	function statNames(directory: Buffer, list: readonly Uint8Array[]): Array<Stat | string | undefined> {
		const fd = parents.of(directory, directory.length)
		return list.map((name) => statName(fd, name))
	}

	function inode(path: Buffer): Inode | undefined {
		if (path.length === 0) return inodeOfDescriptor(root.descriptor())
		try {
			names.on(path, inodeInto)
		} catch (error) {
			if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return undefined
			throw error
		}
		return decodeInode()
	}

	function kind(path: Buffer): number {
		return stat(path).mode & S_IFMT
	}

	function setAttributes(path: Buffer, attributes: Attributes): void {
		if (path.length === 0) setRootAttributes(attributes)
		else setNameAttributes(path, attributes)
	}

	function setNameAttributes(path: Buffer, attributes: Attributes): void {
		if (attributes.uid !== undefined || attributes.gid !== undefined) changeOwner(path, attributes)
		if (attributes.mode !== undefined) changeMode(path, attributes.mode)
		if (!hasTimes(attributes)) return
		const times = encodeTimes(attributes)
		names.on(path, (directory, name) => utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW))
	}

	function setRootAttributes(attributes: Attributes): void {
		const fd = openAt(Buffer.alloc(0), O_RDONLY | O_DIRECTORY, 0)
		try {
			setOpenAttributes(fd, attributes)
		} finally {
			close(fd)
		}
	}

	function changeOwner(path: Buffer, { uid = UNCHANGED, gid = UNCHANGED }: Attributes): void {
		try {
			names.on(path, (directory, name) => fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW))
		} catch (error) {
			passOverRefusal(error)
		}
	}

	function changeMode(path: Buffer, mode: number): void {
		const is = kind(path)
		// A symlink has no mode of its own on Linux.
		if (is === S_IFLNK) return
		names.on(path, (directory, name) => chmodName(directory, name, keepMode(mode, is === S_IFDIR)))
	}

	function withDescriptor<T>(path: Buffer, use: (fd: number) => T): T {
		// Without O_NONBLOCK the open of a fifo would wait for its other end.
		const fd = openAt(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)
		try {
			return use(fd)
		} finally {
			close(fd)
		}
	}

	function makeDirectory(path: Buffer, attributes: Attributes = {}): void {
		if (path.length === 0) return
		const wanted = { ...attributes, mode: attributes.mode ?? DIRECTORY_MODE }
		try {
			names.withParents(path, () => names.on(path, (directory, name) => mkdirat(directory, name, keepMode(wanted.mode, true))))
		} catch (error) {
			if (codeOf(error) === 'EEXIST' && kind(path) === S_IFDIR) return
			throw error
		}
		const rest = remaining(wanted, true)
		if (rest !== undefined) setAttributes(path, rest)
	}

	function unlink(path: Buffer): void {
		remove(path, unlinkName)
	}

	function removeDirectory(path: Buffer): void {
		remove(path, (directory, name) => unlinkat(directory, name, AT_REMOVEDIR))
		parents.forgetBelow(path)
	}

	function remove(path: Buffer, call: OnName): void {
		try {
			names.on(path, call)
		} catch (error) {
			const code = codeOf(error)
			if (code === 'EEXIST') fail('ENOTEMPTY')
			// Where a parent is no directory any more, what was in it is gone too; ENOTDIR of the name itself is an error.
			if (code !== 'ENOENT' && (code !== 'ENOTDIR' || isThere(path))) throw error
		}
	}

	function isThere(path: Buffer): boolean {
		try {
			stat(path)
			return true
		} catch (error) {
			if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false
			throw error
		}
	}

	/** With the parents of `to`, unless `from` is gone. */
	function moveTo(from: Buffer, to: Buffer, call: OnNames): void {
		try {
			names.onBoth(from, to, call)
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error
			stat(from)
			names.withParents(to, () => names.onBoth(from, to, call))
		}
	}

	function rename(from: Buffer, to: Buffer, isNew = false): void {
		try {
			moveTo(from, to, (a, name, b, other) => renameat2(a, name, b, other, isNew ? RENAME_NOREPLACE : 0))
		} catch (error) {
			if (!isNew || codeOf(error) !== 'EINVAL') throw error
			// Of NFS this cannot be asked, which does not look at the new name beforehand either.
			if (isThere(to)) fail('EEXIST')
			return rename(from, to)
		}
		parents.forgetBelow(from)
		parents.forgetBelow(to)
	}

	function link(from: Buffer, to: Buffer): void {
		try {
			moveTo(from, to, (a, name, b, other) => linkat(a, name, b, other, 0))
		} catch (error) {
			if (codeOf(error) !== 'EEXIST' || !isSame(stat(from), stat(to))) throw error
		}
	}

	function symlink(text: Buffer, path: Buffer): void {
		const wanted = terminated(text, 0, text.length, new Uint8Array(text.length + 1))
		try {
			names.withParents(path, () => names.on(path, (directory, name) => symlinkat(wanted, directory, name)))
		} catch (error) {
			const isThere = codeOf(error) === 'EEXIST' && kind(path) === S_IFLNK && readlink(path).equals(text)
			if (!isThere) throw error
		}
	}

	function readlink(path: Buffer): Buffer {
		const length = names.on(path, (directory, name) => readlinkat(directory, name, target, TARGET_BYTES))
		return Buffer.from(target.subarray(0, length))
	}

	function setAside(path: Buffer): Buffer {
		const name = path.subarray(lastComponent(path)).subarray(0, ASIDE_NAME_BYTES_MAX)
		const aside = below(CONFLICTS, Buffer.concat([Buffer.from(`${randomUUID()}-`), name]))
		makeDirectory(CONFLICTS, { mode: OWN_DIRECTORY_MODE })
		rename(path, aside)
		return aside
	}

	function list(path: Buffer): DirectoryEntry[] {
		const fd = openAt(path, O_RDONLY | O_DIRECTORY, 0)
		try {
			const entries = listDescriptor(fd)
			return path.length === 0 ? entries.filter(({ name }) => !name.equals(OWN)) : entries
		} finally {
			close(fd)
		}
	}

	function space(): Space {
		if (fstatvfs(root.descriptor(), statvfsBytes) === -1) throw lastError()
		const unit = wide(2)
		return { capacity: wide(4) * unit, free: wide(8) * unit, files: wide(10), filesFree: wide(12), disk: statDescriptor(root.descriptor()).dev }
	}

	/** Whoever wants to unmount what is not the node any more, or a disk that fails, is not kept from it by what was open there. */
	function identify(uuid: string): void {
		try {
			root.identify(uuid)
		} catch (error) {
			parents.forget()
			throw error
		}
	}

	function leave(): void {
		parents.forget()
		root.leave()
	}

	function end(): void {
		parents.forget()
		root.close()
	}

	return {
		open,
		create,
		close: closeDescriptor,
		fstat: statDescriptor,
		stat,
		statNames,
		inode,
		read: readAt,
		write: writeAt,
		truncate: truncateTo,
		allocate: allocateIn,
		seek: seekIn,
		copyRange: copyBetween,
		sync: syncOpen,
		flush: isDisk ? hearOfRefusals : flushOpen,
		setFileAttributes: setOpenAttributes,
		setAttributes,
		xattrs: (path) => withDescriptor(path, xattrsOf),
		setXattrs: (path, wanted) => withDescriptor(path, (fd) => setXattrsOf(fd, wanted)),
		makeDirectory,
		unlink,
		removeDirectory,
		rename,
		link,
		symlink,
		readlink,
		setAside,
		list,
		space,
		identify,
		forgetDirectories: parents.forget,
		leave,
		end,
	}
}

function statName(directory: number, name: Uint8Array): Stat | string | undefined {
	if (lastComponent(name) > 0) fail('EINVAL', 'a name has a slash in it')
	if (statInto(directory, terminated(name, 0, name.length, nameBytes)) === 0) return decodeStat()
	const code = lastErrorName()
	return code === 'ENOENT' ? undefined : code
}

/** Two words of `struct statvfs`, whose fields are eight bytes each. */
function wide(word: number): number {
	return statvfs[word] + statvfs[word + 1] * 0x1_0000_0000
}

function below(directory: Buffer, name: Buffer): Buffer {
	return Buffer.concat([directory, Buffer.from('/'), name])
}

function isSame(one: Stat, other: Stat): boolean {
	return one.ino === other.ino && one.dev === other.dev
}

function chmodName(directory: number, name: Uint8Array, mode: number): number {
	const result = fchmodat2(SYS_FCHMODAT2, directory, name, mode, AT_SYMLINK_NOFOLLOW)
	if (result !== -1 || errno() !== ENOSYS) return result
	return fchmodat(directory, name, mode, AT_SYMLINK_NOFOLLOW)
}
