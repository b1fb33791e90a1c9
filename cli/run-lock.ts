/** A lock that ends with the process that holds it, however that ends. The file says who it is. */
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, readlinkSync, rmSync, statSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, UserError } from '../core/errors.ts'
import { tryLock } from '../core/libc.ts'
import { runDirectory } from '../core/live/directory.ts'
import { EXIT } from './exit-codes.ts'

export interface RunLock {
	release(): void
}

/** Where others may write, a symlink of theirs would have another file emptied. */
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/** The lock, or undefined while another process has it. */
export function takeLock(path: string): RunLock | undefined {
	const fd = named(path, () => openSync(path, OPEN, 0o600))
	if (!tryLock(fd)) {
		closeSync(fd)
		return undefined
	}
	if (!isAt(path, fd)) {
		closeSync(fd)
		return takeLock(path)
	}
	named(path, () => {
		ftruncateSync(fd, 0)
		writeSync(fd, `${process.pid}\n${countedIn()}\n`)
	})
	return { release: () => closeSync(fd) }
}

/** What the system says of a disk that is full does not name the file. */
function named<T>(path: string, write: () => T): T {
	try {
		return write()
	} catch (error) {
		throw new UserError(`the lock ${path} cannot be written (${codeOf(error)})`, EXIT.refused)
	}
}

const LOOK_AGAIN_MS = 20

/** The lock once nobody has it, or undefined: there is no event for the end of other people's processes. */
export async function awaitLock(path: string, deadlineMs: number, isHopeless = () => false): Promise<RunLock | undefined> {
	const deadline = performance.now() + deadlineMs
	for (;;) {
		const lock = takeLock(path)
		if (lock || isHopeless() || performance.now() > deadline) return lock
		await pause(LOOK_AGAIN_MS)
	}
}

/** Whether what was opened still has the name: whoever sweeps removes a file that nobody holds, and may have been first. */
export function isAt(path: string | Buffer, fd: number): boolean {
	return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino
}

/** The process that holds it, as it said itself. */
export function lockHolder(path: string): string {
	return holderOf(path).pid
}

function holderOf(path: string): { pid: string; counted: string } {
	try {
		const [pid, counted = ''] = readFileSync(path, 'utf8').split('\n')
		return { pid: pid.trim(), counted }
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return { pid: '', counted: '' }
		throw error
	}
}

/** Containers that share a directory count their processes each for itself. */
function countedIn(): string {
	return readlinkSync('/proc/self/ns/pid')
}

/** A thread of it may wait in the kernel for what its others, which are dead, were to do: then it cannot end, and holds what it has. */
export function isHolderDead(path: string): boolean {
	const { pid, counted } = holderOf(path)
	const stat = `/proc/${pid || 'nobody'}/stat`
	if (counted !== countedIn() || !existsSync(stat)) return false
	const text = readFileSync(stat, 'latin1')
	return text.slice(text.lastIndexOf(')') + 2)[0] === 'Z'
}

/** The lock of a holder that is dead and cannot end, by another file of that name; undefined where it is not. */
export function takeLockOfDead(path: string): RunLock | undefined {
	if (!isHolderDead(path)) return undefined
	rmSync(path)
	return takeLock(path)
}

/** The lock file of the daemon of a mount point. */
export function mountLockPath(mountPoint: string, environment: NodeJS.ProcessEnv): string {
	return lockPathOf(mountPoint, environment)
}

/** The lock file of who fills a catalogue. */
export function fillLockPath(catalogue: string, environment: NodeJS.ProcessEnv): string {
	return lockPathOf(`filling ${catalogue.replace(/^sqlite:/, '')}`, environment)
}

function lockPathOf(what: string, environment: NodeJS.ProcessEnv): string {
	return join(runDirectory(environment), `${createHash('sha256').update(what).digest('hex').slice(0, 32)}.lock`)
}
