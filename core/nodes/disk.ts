/** The disk below a node, for what concerns all of it: bringing there what the kernel holds back. */
import { constants } from 'node:fs'
import { Errno } from '../errors.ts'
import { close, lastError, openat, syncfs } from '../libc.ts'
import { AT_FDCWD, O_CLOEXEC } from './beneath.ts'
import { statDescriptor } from './stat.ts'

export interface Disk {
	/**
	 * Everything that was changed before the call is on the disk afterwards. On a thread of the pool, one at a time in a process. EIO when the
	 * kernel could not write something since the last time, whatever it was.
	 */
	sync(): Promise<void>
	/** Nothing of it is open afterwards, until the next sync: whoever wants to unmount it can. EIO as above. */
	leave(): Promise<void>
	end(): void
}

const NONE = -1
/** A disk that hangs keeps one thread of the pool, not all. */
let last: Promise<unknown> = Promise.resolve()

export function openDisk(path: string): Disk {
	// Kept open: a descriptor hears of the failures since it was opened.
	let fd = open(path)
	let isEnded = false
	let inUse: Promise<unknown> = Promise.resolve()

	async function leaveNow(): Promise<void> {
		const left = fd
		fd = NONE
		if (left === NONE) return
		try {
			await bringThere(left)
		} finally {
			close(left)
		}
	}

	async function syncNow(): Promise<void> {
		if (isEnded) throw new Errno('ENOTCONN', `${path} is closed`)
		const now = open(path)
		if (now === NONE) throw lastError(path)
		if (fd !== NONE && isSame(fd, now)) close(now)
		else {
			// Another disk is mounted there by now: what the one of before has refused is heard all the same.
			const left = leaveNow()
			fd = now
			await left
		}
		await bringThere(fd)
	}

	async function bringThere(on: number): Promise<void> {
		if ((await syncfs(on)) === -1) throw new Errno('EIO', `${path}: something that was written did not reach the disk`)
	}

	function inTurn(step: () => Promise<void>): Promise<void> {
		const turn = last.then(step)
		last = turn.catch(() => undefined)
		inUse = last
		return turn
	}

	return {
		sync: () => inTurn(syncNow),
		leave: () => (fd === NONE ? Promise.resolve() : inTurn(leaveNow)),
		end() {
			isEnded = true
			void inUse.then(() => {
				if (fd !== NONE) close(fd)
				fd = NONE
			})
		},
	}
}

function open(path: string): number {
	return openat(AT_FDCWD, Buffer.from(`${path}\0`), constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0)
}

function isSame(one: number, other: number): boolean {
	const a = statDescriptor(one)
	const b = statDescriptor(other)
	return a.dev === b.dev && a.ino === b.ino
}
