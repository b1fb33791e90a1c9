/**
 * A directory that was reached one name at a time, without following a symlink, and stays reached while it is open. On Linux it is a
 * descriptor, so that nothing that happens to the path above it changes where a call goes. Elsewhere Node has no such way; there each
 * component is looked at before each use, and nothing is remembered.
 */
import fs from 'node:fs'
import { join } from 'node:path'

export interface Directory {
	/** By which calls reach `name` in it. */
	at(name: Buffer): Buffer | string
	/** The directory itself. */
	readonly path: Buffer | string
	/** Names in it are on the disk afterwards, where the system has a way to see to it. */
	sync(): Promise<void>
	close(): void
}

export class NotADirectory extends Error {}

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants
/** A directory that is open is where it was reached, whatever becomes of the path to it. */
export const staysReached = process.platform === 'linux' && fs.existsSync('/proc/self/fd')

/** `path` is the volunteer's own word and may lead through symlinks. */
export function openDirectory(path: string): Directory {
	const real = fs.realpathSync.native(path)
	return staysReached ? byDescriptor(fs.openSync(real, O_RDONLY | O_DIRECTORY)) : byPath(real)
}

/** Undefined where there is none and none is to be made. */
export function enter(directory: Directory, name: Buffer, make: boolean): Directory | undefined {
	try {
		return step(directory, name)
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException
		if (code === 'ENOTDIR' || code === 'ELOOP') throw new NotADirectory(`${name.toString()} is not a directory there`)
		if (code !== 'ENOENT') throw error
	}
	if (!make) return undefined
	fs.mkdirSync(directory.at(name))
	return step(directory, name)
}

function step(directory: Directory, name: Buffer): Directory {
	const path = directory.at(name)
	if (staysReached) return byDescriptor(fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
	// A junction of Windows shows itself as a symlink here.
	if (!fs.lstatSync(path).isDirectory()) throw new NotADirectory(`${name.toString()} is not a directory there`)
	return byPath(path as string)
}

function byDescriptor(fd: number): Directory {
	const prefix = Buffer.from(`/proc/self/fd/${fd}/`)
	return {
		path: prefix,
		at: (name) => Buffer.concat([prefix, name]),
		sync: () => new Promise((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve()))),
		close: () => fs.closeSync(fd),
	}
}

function byPath(path: string): Directory {
	return {
		path,
		at: (name) => join(path, name.toString('utf8')),
		sync: () => syncByPath(path),
		close: () => undefined,
	}
}

/** Windows writes names through, and has no call for it. */
async function syncByPath(path: string): Promise<void> {
	if (process.platform === 'win32') return
	const handle = await fs.promises.open(path, O_RDONLY)
	await handle.sync().finally(() => handle.close())
}
