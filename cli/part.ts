/** A file under another name until all of it is there. Its lock says that somebody is at it: one without is left of a process that was killed. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { tryLock } from '../core/libc.ts'
import { removeFree } from '../core/live/sweep.ts'
import { isAt } from './run-lock.ts'

const SLASH = Buffer.from('/')
const RANDOM = /^[0-9a-f]{8}$/

export interface Part {
	path: Buffer
	/** The lock, until whoever asked for it closes it. */
	fd: number
}

/** What its name begins and ends with, between which some digits tell it from those of others at the same work. */
export interface PartName {
	before: Buffer
	after: string
}

/** A new one; what killed processes left of the same work goes. */
export function openPart(directory: Buffer, { before, after }: PartName): Part {
	const end = Buffer.from(after)
	for (const name of readdirSync(directory, { encoding: 'buffer' })) {
		const middle = name.length - end.length
		const isOfWork = name.subarray(0, before.length).equals(before) && name.subarray(Math.max(0, middle)).equals(end)
		if (isOfWork && RANDOM.test(name.toString('latin1', before.length, middle))) removeFree(Buffer.concat([directory, SLASH, name]))
	}
	for (;;) {
		const path = Buffer.concat([directory, SLASH, before, Buffer.from(randomBytes(4).toString('hex')), end])
		const fd = openSync(path, 'wx', 0o600)
		// Another may have taken it for one of these before it was locked.
		if (!tryLock(fd) || isAt(path, fd)) return { path, fd }
		closeSync(fd)
	}
}
