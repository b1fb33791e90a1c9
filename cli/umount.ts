/** `cairn umount MP`: unmounts and waits until the daemon has ended, so that everything is on the disks. */
import { UserError } from '../core/errors.ts'
import type { Mount } from '../core/nodes/detect.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { canonicalMountPoint } from './mount-point.ts'
import { isOurs, mountAt } from './mountinfo.ts'
import { whereMounted } from './other-namespaces.ts'
import { awaitLock, isHolderDead, lockHolder, mountLockPath } from './run-lock.ts'
import { unmountNow } from './unmount.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	mountpoint?: string
	lazy: boolean
}

const END_DEADLINE_MS = 30_000
/** Whoever makes a namespace has every mount in it: of one that lasts for less nothing is said. */
const NAMESPACE_MS = 5_000

export const umount: Verb<Options> = (deps) => ({
	command: ['umount [mountpoint]', 'unmount [mountpoint]'],
	describe: 'unmount, and wait until the daemon has ended',
	builder: (yargs) =>
		yargs
			.positional('mountpoint', { type: 'string', describe: 'where it is mounted; by default what the configuration says' })
			.option('lazy', { alias: 'l', type: 'boolean', default: false, describe: 'detach it now also if files are open there' }),
	handler: (options) => run(options, deps),
})

export async function run({ lazy, ...options }: Options, deps: Deps): Promise<void> {
	if (options.mountpoint === '') throw new UserError('umount: the name of the mount point is empty', EXIT.usage)
	const path = canonicalMountPoint(options.mountpoint ?? (await configured(options, deps)), deps.directory)
	const entry = mountAt(path)
	if (!entry) throw new UserError(`nothing is mounted at ${path}`, EXIT.notMounted)
	if (!isOurs(entry.type)) throw new UserError(`what is mounted at ${path} is no Cairn (${entry.type}, ${entry.source})`, EXIT.notMounted)
	const lockPath = mountLockPath(path, deps.environment)
	const isDead = isHolderDead(lockPath)
	await unmountNow(path, { lazy: lazy || isDead, force: isDead })
	// A lazily detached mount lives on as long as someone uses it.
	if (!lazy) await daemonEnded(lockPath, entry)
}

async function configured(options: Common, deps: Deps): Promise<string> {
	const { path } = (await loadFor(options, deps)).mount
	if (path === '') throw new UserError('umount: what? Name a mount point, or set mount.path in the configuration', EXIT.usage)
	return path
}

/** The daemon holds the lock as long as it lives. */
async function daemonEnded(lockPath: string, { device }: Mount): Promise<void> {
	let lock = await awaitLock(lockPath, NAMESPACE_MS)
	const elsewhere = lock ? undefined : whereMounted(device)
	if (!lock && !elsewhere) lock = await awaitLock(lockPath, END_DEADLINE_MS - NAMESPACE_MS)
	if (lock) return lock.release()
	const daemon = `the daemon (process ${lockHolder(lockPath)})`
	if (elsewhere) throw new UserError(`unmounted here, but process ${elsewhere} has it mounted in its own namespace, as containers have: ${daemon} ends with that, or by SIGTERM`, EXIT.busy)
	throw new UserError(`unmounted, but ${daemon} has not ended within ${END_DEADLINE_MS / 1000} s`, EXIT.busy)
}
