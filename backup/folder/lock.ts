/**
 * One agent to a folder. The lock is the system's and ends with the process, however that ends; nothing has to be cleaned up.
 * macOS and Windows can open a file for oneself alone. Linux has flock(2), which Node does not offer: flock(1) takes it on a descriptor it
 * is given, and it stays ours when flock(1) ends. A socket without a file stands in where there is no flock(1); it cannot be seen from
 * another container, so both are taken.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:net'

export class Elsewhere extends Error {}

const { O_RDWR, O_CREAT, O_NONBLOCK } = fs.constants
const MAC_O_EXLOCK = 0x20
const WINDOWS_O_EXLOCK = 0x1000_0000
const FLOCK_HELD = 1

/** `path` is the lock's file, in a directory that is there. Held until this process ends. */
export async function lockFolder(path: Buffer | string): Promise<void> {
	if (process.platform === 'darwin') return openAlone(path, MAC_O_EXLOCK | O_NONBLOCK)
	if (process.platform === 'win32') return openAlone(path, WINDOWS_O_EXLOCK)
	const fd = fs.openSync(path, O_RDWR | O_CREAT, 0o600)
	const { status } = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
	if (status === FLOCK_HELD) throw new Elsewhere()
	await listenAlone(fs.fstatSync(fd, { bigint: true }))
}

function openAlone(path: Buffer | string, flag: number): void {
	try {
		fs.openSync(path, O_RDWR | O_CREAT | flag, 0o600)
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException
		if (code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EBUSY') throw new Elsewhere()
		throw error
	}
}

/** A name in Linux's abstract space, the same whatever path leads to the folder. */
async function listenAlone({ dev, ino }: fs.BigIntStats): Promise<void> {
	const server = createServer().listen({ path: `\0cairn-backup:${dev}:${ino}` })
	try {
		await once(server, 'listening')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new Elsewhere()
		throw error
	}
	server.unref()
}
