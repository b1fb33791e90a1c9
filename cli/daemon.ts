/** Goes into the background: the parent stays until the child says that it is ready, or why it is not. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { codeOf, UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'
import { MARK, type Report } from './parent.ts'

/** Runs the command line again with `words`, on its own; returns when it is ready. */
export function daemonise(words: string[], { logFile }: { logFile: string }): Promise<void> {
	const log = logFile === '' ? 'ignore' : openLog(logFile)
	const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...words], {
		detached: true,
		cwd: '/',
		env: { ...process.env, [MARK]: '1' },
		stdio: ['ignore', log, log, 'ipc'],
	})
	if (typeof log === 'number') closeSync(log)
	return new Promise((done, failed) => {
		child.on('error', failed)
		child.on('message', (report: Report) => {
			if ('error' in report) return failed(new UserError(report.error, report.code))
			if (child.connected) child.disconnect()
			child.unref()
			done()
		})
		child.on('exit', (code, signal) => failed(new UserError(`the daemon ended with ${signal ?? code} before it was ready`, EXIT.notStarted)))
	})
}

function openLog(path: string): number {
	try {
		return openSync(path, 'a', 0o600)
	} catch (error) {
		throw new UserError(`mount.logFile: ${path} cannot be opened (${codeOf(error)})`, EXIT.configuration)
	}
}
