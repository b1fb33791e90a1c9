/** What killed processes left in the directory of locks and sockets. Nothing of one that lives is touched, whichever it is. */
import { closeSync, openSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { codeOf } from '../errors.ts'
import { tryLock } from '../libc.ts'

const LOCK = /^[0-9a-f]{32}\.lock$/
const SOCKET = /^live-[0-9a-f]{16}-(\d+)$/

export async function sweep(directory: string): Promise<void> {
	for (const name of await readdir(directory)) {
		const path = join(directory, name)
		if (LOCK.test(name)) removeFree(path)
		const pid = SOCKET.exec(name)?.[1]
		// A process of another container is not seen, but answers.
		if (pid !== undefined && !isRunning(Number(pid)) && (await refuses(path))) rmSync(path, { force: true })
	}
}

/** If nobody has it locked. Under the lock: who opens the file meanwhile finds, when he has it, that it is no longer the one of that name. */
export function removeFree(path: string | Buffer): void {
	let fd: number
	try {
		fd = openSync(path, 'r+')
	} catch (error) {
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return
		throw error
	}
	if (tryLock(fd)) rmSync(path, { force: true })
	closeSync(fd)
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0)
		return true
	} catch (error) {
		return codeOf(error) !== 'ESRCH'
	}
}

function refuses(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(path, () => settle(false))
		const settle = (answer: boolean) => {
			socket.destroy()
			resolve(answer)
		}
		socket.on('error', (error) => settle(codeOf(error) === 'ECONNREFUSED'))
		socket.unref()
	})
}
