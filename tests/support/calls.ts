/**
 * The calls of hands.ts by name: each takes and returns plain values, so that it can cross to another process, and fails
 * with an errno. Used where a test is about what one call answers (parity, model, failure); the cases of tests/posix run
 * whole in the other process instead.
 */
import fs from 'node:fs'
import * as libc from './libc.ts'
import type { PathLike } from './libc.ts'

export const readdir = (path: PathLike): string[] =>
	fs.readdirSync(path, { encoding: 'latin1' as BufferEncoding }).sort()
export const mkdir = (path: PathLike, mode = 0o755): void => void fs.mkdirSync(path, { mode })
export const rmdir = (path: PathLike): void => fs.rmdirSync(path)
export const unlink = (path: PathLike): void => fs.unlinkSync(path)
export const rename = (from: PathLike, to: PathLike, flags = 0): void => libc.rename(from, to, flags)
export const link = (from: PathLike, to: PathLike): void => fs.linkSync(from, to)
export const symlink = (target: PathLike, path: PathLike): void => fs.symlinkSync(target, path)
export const readlink = (path: PathLike): string => fs.readlinkSync(path, 'latin1')
export const chmod = (path: PathLike, mode: number): void => fs.chmodSync(path, mode)
export const chown = (path: PathLike, uid: number, gid: number): void => fs.lchownSync(path, uid, gid)
export const mknod = (path: PathLike, mode: number, device = 0): void => libc.mknod(path, mode, device)
export const truncate = (path: PathLike, size: number): void => libc.truncate(path, size)
export const setXattr = (path: PathLike, name: string, value: PathLike, flags = 0): void =>
	libc.setXattr(path, name, value, flags)
export const getXattr = (path: PathLike, name: string): Buffer => libc.getXattr(path, name)
export const listXattrs = (path: PathLike): string[] => libc.listXattrs(path)
export const removeXattr = (path: PathLike, name: string): void => libc.removeXattr(path, name)
export const setTimes = (path: PathLike, atime: libc.Time, mtime: libc.Time): void => libc.setTimes(path, atime, mtime)
export const statvfs = (path: PathLike) => libc.statvfs(path)

export interface Seen {
	mode: number
	uid: number
	gid: number
	nlink: number
	rdev: number
	size: number
	ino: bigint
	mtimeNs: bigint
	ctimeNs: bigint
}

export function stat(path: PathLike): Seen {
	const { mode, uid, gid, nlink, rdev, size, ino, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true })
	return {
		...{ mode: Number(mode), uid: Number(uid), gid: Number(gid), nlink: Number(nlink), rdev: Number(rdev) },
		...{ size: Number(size), ino, mtimeNs, ctimeNs },
	}
}

export const exists = (path: PathLike): boolean => fs.existsSync(path)
export const read = (path: PathLike): Buffer => fs.readFileSync(path)

/** Replaces the content; `sync` makes it durable before it returns. */
export function write(path: PathLike, data: string | Buffer, options: { sync?: boolean; flags?: string } = {}): void {
	const fd = fs.openSync(path, options.flags ?? 'w')
	try {
		fs.writeSync(fd, Buffer.from(data as string))
		if (options.sync) fs.fsyncSync(fd)
	} finally {
		fs.closeSync(fd)
	}
}

export const append = (path: PathLike, data: string | Buffer): void => write(path, data, { flags: 'a' })

export function writeAt(path: PathLike, data: Buffer, position: number): number {
	return withOpen(path, 'r+', (fd) => fs.writeSync(fd, data, 0, data.length, position))
}

export function readAt(path: PathLike, length: number, position: number): Buffer {
	const buffer = Buffer.alloc(length)
	return withOpen(path, 'r', (fd) => buffer.subarray(0, fs.readSync(fd, buffer, 0, length, position)))
}

export const allocate = (path: PathLike, mode: number, offset: number, length: number): void =>
	withOpen(path, 'r+', (fd) => libc.fallocate(fd, mode, offset, length))

export function openDescriptor(path: PathLike, flags: string, mode = 0o644): number {
	return fs.openSync(path, flags, mode)
}
export function readDescriptor(fd: number, length: number, position = 0): Buffer {
	const buffer = Buffer.alloc(length)
	return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, position))
}
export const closeDescriptor = (fd: number): void => fs.closeSync(fd)
export const syncDescriptor = (fd: number): void => fs.fsyncSync(fd)
export function writeDescriptor(fd: number, data: Buffer, position: number | null = null): number {
	return fs.writeSync(fd, data, 0, data.length, position)
}
/** Does what `body` does as another user: the caller's own rights come back after it. */
export function asUser<T>(user: { uid: number; gid: number; groups?: number[] }, body: () => T): T {
	const mine = process.getgroups?.() ?? []
	process.setgroups?.(user.groups ?? [])
	process.setegid?.(user.gid)
	process.seteuid?.(user.uid)
	try {
		return body()
	} finally {
		process.seteuid?.(0)
		process.setegid?.(0)
		process.setgroups?.(mine)
	}
}

function withOpen<T>(path: PathLike, flags: string, body: (fd: number) => T): T {
	const fd = fs.openSync(path, flags)
	try {
		return body(fd)
	} finally {
		fs.closeSync(fd)
	}
}
