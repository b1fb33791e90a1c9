/** Takes a mount away: umount(8) for root, fusermount3 for everyone else. */
import { execFile } from 'node:child_process'
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

const DEADLINE_MS = 20_000

/** `force`: whoever waits for an answer is told that none comes. Only root can. */
export function unmountNow(path: string, { lazy, force = false }: { lazy: boolean; force?: boolean }): Promise<void> {
	const root = process.getuid?.() === 0
	const [program, ...words] = root ? ['umount', ...(force ? ['-f'] : []), ...(lazy ? ['-l'] : [])] : ['fusermount3', '-u', ...(lazy ? ['-z'] : [])]
	return new Promise((done, failed) => {
		execFile(program, [...words, '--', path], { timeout: DEADLINE_MS, killSignal: 'SIGKILL', env: { ...process.env, LC_ALL: 'C' } }, (error, _, said) => {
			if (error) failed(explain(path, program, said || error.message))
			else done()
		})
	})
}

function explain(path: string, program: string, said: string): UserError {
	if (/busy/i.test(said)) return new UserError(`${path} is busy: something has files open there (umount --lazy detaches it all the same)`, EXIT.busy)
	return new UserError(`${program} ${path}: ${said.trim().split('\n')[0]}`, EXIT.notMounted)
}
