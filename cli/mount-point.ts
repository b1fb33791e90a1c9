/** Whether a place can be mounted on. A mount whose daemon is gone is detached first; nothing else is changed. */
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf, UserError } from '../core/errors.ts'
import type { Mount } from '../core/nodes/detect.ts'
import { EXIT } from './exit-codes.ts'
import { isOurs, mountAt } from './mountinfo.ts'
import { isHolderDead, mountLockPath } from './run-lock.ts'
import { unmountNow } from './unmount.ts'

const PROBE_DEADLINE_MS = 2_000

/** As the kernel's table has it. The last part is not looked at: what is mounted there may not answer. */
export function canonicalMountPoint(path: string, directory: string): string {
	const absolute = resolve(directory, path)
	if (mountAt(absolute) || !existsSync(dirname(absolute))) return absolute
	const beneath = join(realpathSync(dirname(absolute)), basename(absolute))
	return mountAt(beneath) ? beneath : throughSymlink(beneath)
}

function throughSymlink(path: string): string {
	try {
		return realpathSync(path)
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return path
		throw error
	}
}

export async function prepareMountPoint(path: string, environment: NodeJS.ProcessEnv, { nonempty = false } = {}): Promise<void> {
	const entry = mountAt(path)
	if (entry) await clearStale(path, entry, environment)
	await checkDirectory(path)
	if (!nonempty && (await readdir(path)).length > 0) throw new UserError(`mount point ${path} is not empty`, EXIT.notEmpty)
}

async function clearStale(path: string, { type, source }: Mount, environment: NodeJS.ProcessEnv): Promise<void> {
	const force = isOurs(type) && isHolderDead(mountLockPath(path, environment))
	if (!isOurs(type) || !(force || (await isDaemonGone(path)))) throw new UserError(`${path} is already mounted (${type}, ${source})`, EXIT.mounted)
	await unmountNow(path, { lazy: true, force })
	const next = mountAt(path)
	if (next) await clearStale(path, next, environment)
}

/** The kernel answers ENOTCONN for a mount whose daemon is gone. Asked in another process: a live daemon may hang. */
function isDaemonGone(path: string): Promise<boolean> {
	return new Promise((done, failed) => {
		const child = spawn('stat', ['-f', path], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
		let said = ''
		child.stderr.on('data', (chunk) => (said += chunk))
		const timer = setTimeout(() => {
			child.kill('SIGKILL')
			child.stderr.destroy()
			child.unref()
			done(false)
		}, PROBE_DEADLINE_MS)
		child.on('error', failed)
		child.on('close', () => {
			clearTimeout(timer)
			done(said.includes('Transport endpoint is not connected'))
		})
	})
}

async function checkDirectory(path: string): Promise<void> {
	const found = await stat(path).catch((error: unknown) => {
		throw new UserError(`mount point ${path}: ${codeOf(error) === 'ENOENT' ? 'no such directory' : codeOf(error)}`, EXIT.noMountPoint)
	})
	if (!found.isDirectory()) throw new UserError(`mount point ${path} is not a directory`, EXIT.noMountPoint)
}
