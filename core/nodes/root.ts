/**
 * The directory a node is: one descriptor that every path is resolved from, so that nothing lands in an empty mount point or
 * on another disk when what is mounted at the configured path changes.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { codeOf, Errno, fail, isShortage } from '../errors.ts'
import { close, lastError, openat } from '../libc.ts'
import { AT_FDCWD, O_CLOEXEC, O_PATH } from './beneath.ts'
import { parse } from './identity.ts'
import { statDescriptor } from './stat.ts'

export interface Root {
	/** The descriptor in use; ENOTCONN while there is none. */
	descriptor(): number
	/** See `NodeOperations.identify`. When it fails, and not for want of descriptors, the one in use is given up; the next one that succeeds takes a new one. */
	identify(uuid: string): void
	/** Gives up the one in use; the next `identify` takes a new one. */
	leave(): void
	close(): void
}

const NONE = -1

export function openRoot(path: string): Root {
	let fd = open(path)
	let ended = false

	function descriptor(): number {
		if (fd === NONE) fail('ENOTCONN', `${path} is not open`)
		return fd
	}

	function identify(uuid: string): void {
		if (ended) fail('ENOTCONN', `${path} is closed`)
		const now = open(path)
		try {
			if (now === NONE) throw notThere(path)
			if (fd !== NONE && !isSame(fd, now)) throw new Errno('ESTALE', `${path} now leads to another directory than before`)
			compare(now, path, uuid)
			if (fd === NONE) fd = now
		} catch (error) {
			if (!isShortage(error)) leave()
			throw error
		} finally {
			if (now !== NONE && now !== fd) close(now)
		}
	}

	function leave(): void {
		if (fd !== NONE) close(fd)
		fd = NONE
	}

	function end(): void {
		ended = true
		leave()
	}

	return { descriptor, identify, leave, close: end }
}

function open(path: string): number {
	// The configured path may contain symlinks: whoever wrote the configuration meant them.
	return openat(AT_FDCWD, Buffer.from(`${path}\0`), O_PATH | constants.O_DIRECTORY | O_CLOEXEC, 0)
}

/** The one in use may be of a mount whose server is gone: then it is not the same whatever is there now. */
function isSame(inUse: number, now: number): boolean {
	try {
		const a = statDescriptor(inUse)
		const b = statDescriptor(now)
		return a.dev === b.dev && a.ino === b.ino
	} catch (error) {
		if (error instanceof Errno) return false
		throw error
	}
}

function notThere(path: string): Errno {
	const { code } = lastError()
	return code === 'ENOENT' || code === 'ENOTDIR' ? new Errno('ENODEV', `${path} is not there`) : new Errno(code, `${path}: ${code}`)
}

function compare(directory: number, path: string, uuid: string): void {
	const identity = parse(readIdentityOf(directory, path))
	if (identity === undefined) throw new Errno('ENODEV', `${path}/.cairn/node.json is not a node's identity file`)
	if (identity.uuid === uuid) return
	throw new Errno('ESTALE', `${path} is the node '${identity.name}' (${identity.uuid}), not the one wanted (${uuid})`)
}

function readIdentityOf(directory: number, path: string): string {
	try {
		return readDescriptorPath(`/proc/self/fd/${directory}/.cairn/node.json`)
	} catch (error) {
		const code = codeOf(error)
		if (code !== 'ENOENT' && code !== 'ENOTDIR') throw new Errno(code, `${path}/.cairn/node.json: ${code}`)
		throw new Errno('ENODEV', `${path} has no .cairn/node.json: not the node, perhaps nothing is mounted there`)
	}
}

function readDescriptorPath(path: string): string {
	const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
	try {
		return readFileSync(fd, 'utf8')
	} finally {
		closeSync(fd)
	}
}
