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
	/** Runs what changes the tree, once it may. As long as it goes on this door is not quiet, however long that is. */
	changing<T>(act: () => T | Promise<T>): Promise<T>
	end(): void
}

interface Options {
	pause?: (ms: number) => Promise<unknown>
	quietAfterMs?: number
}

export function createAnnouncer(fs: Filesystem, { pause = sleep, quietAfterMs = QUIET_AFTER_MS }: Options = {}): Announcer {
	let announced: Promise<void> | undefined
	let isKnown = false
	let underWay = 0
	let changedAtMs = 0
	let quieting: Promise<void> = Promise.resolve()

	async function announce(): Promise<void> {
		// Two such lines of one process stay in order.
		await quieting
		await run(call(fs, CHANGING_DOOR))
		if (await run(mountsBeside(fs))) await pause(fs.config.mount.pollMs + MARGIN_MS + NEGATIVE_ALONE_SECONDS * 1000)
		isKnown = true
	}

	function told(): Promise<void> {
		announced ??= announce().catch((error: Error) => {
			announced = undefined
			throw error
		})
		return announced
	}

	async function becomeQuiet(): Promise<void> {
		try {
			await run(call(fs, QUIET_DOOR))
		} catch (error) {
			fs.report(`telling that this door is quiet: ${(error as Error).message}`)
		}
	}

	const looking = setInterval(() => {
		if (!isKnown || underWay > 0 || performance.now() - changedAtMs < quietAfterMs) return
		isKnown = false
		announced = undefined
		quieting = becomeQuiet()
	}, quietAfterMs / 10)
	looking.unref()

	return {
		async changing(act) {
			underWay++
			try {
				if (!isKnown) await told()
				return await act()
			} finally {
				underWay--
				changedAtMs = performance.now()
			}
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
