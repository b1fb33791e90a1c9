/** A lock that ends with the process that holds it, however that ends. The file says who it is. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { codeOf } from '../core/errors.ts'
import { libc } from '../core/libc.ts'
import { runDirectory } from '../core/live/directory.ts'

const LOCK_EX = 2
const LOCK_NB = 4
const flock = libc<[fd: number, operation: number]>('int flock(int fd, int operation)')

export interface RunLock {
	release(): void
}

/** The lock, or undefined while another process has it. */
export function takeLock(path: string): RunLock | undefined {
	const fd = openSync(path, 'a+', 0o600)
	if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
		closeSync(fd)
		return undefined
	}
	ftruncateSync(fd, 0)
	writeSync(fd, `${process.pid}\n`)
	return { release: () => closeSync(fd) }
}

/** The process that holds it, as it said itself. */
export function lockHolder(path: string): string {
	try {
		return readFileSync(path, 'utf8').trim()
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return ''
		throw error
	}
}

/** The lock file of the daemon of a mount point. */
export function mountLockPath(mountPoint: string, environment: NodeJS.ProcessEnv): string {
	return join(runDirectory(environment), `${createHash('sha256').update(mountPoint).digest('hex').slice(0, 32)}.lock`)
}
