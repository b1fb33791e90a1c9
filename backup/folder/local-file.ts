/** Reading a file that stands in the folder: a regular one, no symlink, nothing that could make an open wait. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { promisify } from 'node:util'
import { BadPath } from '../names/archive-path.ts'
import { NotADirectory } from './directory.ts'
import type { Spot } from './spot.ts'

const read = promisify(fs.read)
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
const READ_BYTES = 1024 * 1024
/** EBADMSG and EUCLEAN, for which Node has no name: what a filesystem answers that finds its own records damaged. */
const DAMAGED = [-74, -117]

export interface LocalFile {
	fd: number
	size: number
	close(): void
}

/** Undefined where there is no such file, or something else by that name. */
export function openLocal(spot: Pick<Spot, 'directory' | 'name'>): LocalFile | undefined {
	const path = spot.directory.at(spot.name)
	// Where a system has no O_NOFOLLOW.
	if (O_NOFOLLOW === 0 && fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined
	let fd: number
	try {
		fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
	} catch (error) {
		if (['ENOENT', 'ELOOP', 'EMLINK', 'ENXIO', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
		throw error
	}
	const stat = fs.fstatSync(fd)
	if (stat.isFile()) return { fd, size: stat.size, close: () => fs.closeSync(fd) }
	fs.closeSync(fd)
	return undefined
}

/** Passes the bytes up to `end` on, in order; fewer where the file ends before. */
export async function eachPart(fd: number, end: number, use: (part: Buffer) => void): Promise<void> {
	const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(READ_BYTES, end)))
	for (let at = 0; at < end; ) {
		const { bytesRead } = await read(fd, buffer, 0, Math.min(buffer.length, end - at), at)
		if (bytesRead === 0) break
		use(buffer.subarray(0, bytesRead))
		at += bytesRead
	}
}

export async function hashOfFile({ fd, size }: Pick<LocalFile, 'fd' | 'size'>): Promise<string> {
	const hash = createHash('sha256')
	await eachPart(fd, size, (part) => hash.update(part))
	return hash.digest('hex')
}

/** Whether it has this size and hash; one that cannot be read to its end has not. */
export async function isRight(file: LocalFile, { size, hash }: { size: number; hash: string }): Promise<boolean> {
	if (file.size !== size) return false
	try {
		return (await hashOfFile(file)) === hash
	} catch (error) {
		if (isUnreadable(error)) return false
		throw error
	}
}

/** The disk does not give the bytes of a file, or not even open it. */
export function isUnreadable(error: unknown): boolean {
	const { syscall, code, errno = 0 } = error as NodeJS.ErrnoException
	return syscall === 'read' || (syscall === 'open' && (code === 'EIO' || DAMAGED.includes(errno)))
}

/** As `openLocal`; one that the disk does not open is none. */
export function openReadable(spot: Pick<Spot, 'directory' | 'name'>): LocalFile | undefined {
	try {
		return openLocal(spot)
	} catch (error) {
		if (isUnreadable(error)) return undefined
		throw error
	}
}

/** Whether the file of that name here has this size and hash. */
export async function isThere(spot: Pick<Spot, 'directory' | 'name'>, what: { size: number; hash: string }): Promise<boolean> {
	const file = openReadable(spot)
	if (file === undefined) return false
	try {
		return await isRight(file, what)
	} finally {
		file.close()
	}
}

/** What looking for a file came to: no such file can be here, or the disk says no. Anything else is thrown on. */
export function lookFailure(error: unknown): 'missing' | 'io' {
	if (error instanceof BadPath || error instanceof NotADirectory) return 'missing'
	if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
	return 'io'
}
