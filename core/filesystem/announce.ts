/**
 * A mount that is alone lets its kernel remember for a moment which names are not there. A door that only reads does not keep
 * it from that; before it changes anything it tells, and waits until what was remembered so has lapsed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as changes from '../catalogue/changes.ts'
import * as clients from '../catalogue/clients.ts'
import { type Op, run, wait } from '../op.ts'
import { isAlive, QUIET_DOOR, refreshClients } from './clients.ts'
import { type Filesystem, transact } from './filesystem.ts'

/** How long a mount that is alone lets the kernel remember that a name is not there. */
export const NEGATIVE_ALONE_SECONDS = 1
/** For a mount to read the journal, besides its polling interval. */
const MARGIN_MS = 100
const QUIET_AFTER_MS = 600_000
const CHANGING_DOOR = 'api'

export interface Announcer {
	/** Resolves when this process may change the tree. */
	beforeChange(): Promise<void> | undefined
	end(): void
}

export function createAnnouncer(fs: Filesystem, pause: (ms: number) => Promise<unknown> = sleep): Announcer {
	let announced: Promise<void> | undefined
	let isKnown = false
	let changedAtMs = 0

	async function announce(): Promise<void> {
		await run(call(fs, CHANGING_DOOR))
		if (await run(mountsBeside(fs))) await pause(fs.config.mount.pollMs + MARGIN_MS + NEGATIVE_ALONE_SECONDS * 1000)
		isKnown = true
	}

	const looking = setInterval(() => {
		if (!isKnown || performance.now() - changedAtMs < QUIET_AFTER_MS) return
		isKnown = false
		announced = undefined
		Promise.resolve(run(call(fs, QUIET_DOOR))).catch((error: Error) => fs.report(`telling that this door is quiet: ${error.message}`))
	}, QUIET_AFTER_MS / 10)
	looking.unref()

	return {
		beforeChange() {
			changedAtMs = performance.now()
			if (isKnown) return undefined
			announced ??= announce().catch((error: Error) => {
				announced = undefined
				throw error
			})
			return announced
		},
		end: () => clearInterval(looking),
	}
}

function call(fs: Filesystem, what: string): Op<void> {
	fs.what = what
	return wait(
		transact(fs, function* (tx) {
			clients.setWhat(tx, fs.client, what)
			changes.insert(tx, fs.client, { op: 'client' }, fs.capabilities)
		}),
	)
}

function* mountsBeside(fs: Filesystem): Op<boolean> {
	const rows = yield* refreshClients(fs)
	return rows.some((row) => row.id !== fs.client && row.what.startsWith('mount ') && isAlive(row))
}

