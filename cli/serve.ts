/** Mounts and stays until told to end: SIGTERM and SIGINT unmount, SIGHUP reads the configuration again. */
import type { MountOptions } from '../client/driver.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'
import { libc } from '../core/libc.ts'
import { mountAt } from './mountinfo.ts'
import { awaitLock, lockHolder, mountLockPath, type RunLock, takeLockOfDead } from './run-lock.ts'
import { unmountNow } from './unmount.ts'
import type { Deps } from './verb.ts'

const END_DEADLINE_MS = 2_000
const PREDECESSOR_DEADLINE_MS = 15_000

/** What the mount is asked for, as it takes it. */
export type Serving = Omit<MountOptions, 'report'>

export interface Serve {
	config: Config
	options: Serving
	/** Reads the configuration again. */
	reread(): Promise<Config>
	ready(): void
	/** Each is started when the mount is ready, and ended with it. */
	beside?: ReadonlyArray<() => Beside>
}

/** Another process that belongs to the mount. */
export interface Beside {
	reload(): void
	/** Resolves when it has ended. May be called again. */
	end(): Promise<void>
}

/** Resolves when the mount has ended. */
export async function serve({ config, options, reread, ready, beside = [] }: Serve, deps: Deps): Promise<void> {
	const lock = await lockMountPoint(options.mountPoint, deps)
	// Loaded here and not above: nothing else needs the mount's code.
	const { startMount } = await import('../client/mount.ts')
	const mount = await startMount(config, options)
	const others = beside.map((start) => start())
	const endOthers = () => Promise.all(others.map((other) => other.end()))
	const end = () => {
		void endOthers()
		mount.unmount().catch(() => detach(options.mountPoint, deps))
	}
	const reload = () => {
		for (const other of others) other.reload()
		void applyAgain(config, reread, mount.reload, deps)
	}
	process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', reload)
	ready()
	await mount.ended
	await endOthers()
	process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', reload)
	lock.release()
	endSoon()
}

/** Something has files open there: the mount point goes away now, the files when they are closed. */
async function detach(mountPoint: string, deps: Deps): Promise<void> {
	await unmountNow(mountPoint, { lazy: true }).catch((error: Error) => deps.warn(error.message))
}

/** A thread that waits for a node that hangs would keep the process, and process.exit waits for threads too. */
function endSoon(): void {
	const exit = libc<[code: number]>('void _exit(int code)')
	setTimeout(() => exit(Number(process.exitCode ?? EXIT.ok)), END_DEADLINE_MS).unref()
}

/**
 * Whoever unmounts waits for this lock: it ends with the daemon. umount(8) does not, and where the kernel lists nothing any more
 * a daemon may still have files to publish.
 */
async function lockMountPoint(mountPoint: string, deps: Deps): Promise<RunLock> {
	const path = mountLockPath(mountPoint, deps.environment)
	const isMounted = () => mountAt(mountPoint) !== undefined
	const lock =
		(await awaitLock(path, PREDECESSOR_DEADLINE_MS, isMounted)) ?? (isMounted() ? undefined : takeLockOfDead(path))
	if (lock) return lock
	const lasts = isMounted() ? '' : '; where it was unmounted and a container has it still, it lasts as long as that, or until SIGTERM'
	throw new UserError(`${mountPoint} is already mounted, or about to be, by process ${lockHolder(path)}${lasts}`, EXIT.mounted)
}

/** In place: those who were given the configuration see the new values. A wrong one changes nothing. */
async function applyAgain(config: Config, reread: () => Promise<Config>, reload: () => void, deps: Deps): Promise<void> {
	try {
		Object.assign(config, await reread())
		reload()
	} catch (error) {
		deps.warn(`the configuration was not read again: ${(error as Error).message}`)
	}
}
