/**
 * Files that arrived are brought to their names together: their bytes on the disk, then their names, then the record, then the
 * server is told. Each of these is done when the next begins, so that whatever ends the process, nothing is said that is not so.
 */
import fs from 'node:fs'
import { type Find, withSpots } from '../folder/spots.ts'
import { shown } from '../wire/answers.ts'
import { leave, type Run } from '../work/run.ts'
import { type Failure, failureOf } from './failure.ts'
import { adopt, place, syncWays, type Way } from './place.ts'
import type { Arrived } from './download.ts'
import { type Done, report } from './report.ts'
import type { Wanted } from './wanted.ts'

export const PORTION_FILES_MAX = 250
/** So few are synced by themselves. */
const SYNC_ALL_FILES_MIN = 16
const PORTION_BYTES_MAX = 256 * 1024 * 1024

interface Item {
	wanted: Wanted
	/** Undefined: it was here already. */
	arrived: Arrived | undefined
	way?: Way
}

export interface Portions {
	add(wanted: Wanted, arrived: Arrived): void
	/** True if it is here already. */
	adopt(wanted: Wanted): Promise<boolean>
	fail(wanted: Wanted, failure: Failure): void
	settleIfFull(): Promise<void> | undefined
	/** Whatever is still open. */
	finish(): Promise<void>
	/** How many files came, and how many of them the server took for copies. */
	counts(): { came: number; claimed: number }
}

export function openPortions(run: Run): Portions {
	let items: Item[] = []
	let failures: [Wanted, Failure][] = []
	let bytes = 0
	let came = 0
	let claimed = 0
	let settling = Promise.resolve()

	function settleAll(): Promise<void> {
		const portion = { items, failures }
		items = []
		failures = []
		bytes = 0
		settling = settling.then(async () => {
			claimed += await settle(run, portion)
		})
		return settling
	}

	return {
		add(wanted, arrived) {
			items.push({ wanted, arrived })
			bytes += wanted.size
			came++
		},
		async adopt(wanted) {
			const way = await adopt(run.folder, wanted)
			if (way === undefined) return false
			items.push({ wanted, arrived: undefined, way })
			run.watcher.moved(wanted.size)
			came++
			return true
		},
		fail(wanted, failure) {
			failures.push([wanted, failure])
			leaveFailed(run, wanted, failure)
		},
		settleIfFull: () => (items.length >= PORTION_FILES_MAX || bytes >= PORTION_BYTES_MAX ? settleAll() : undefined),
		finish: settleAll,
		counts: () => ({ came, claimed }),
	}
}

function leaveFailed(run: Run, { path }: Wanted, { error, text }: Failure): void {
	if (error === 'no-space') run.noRoom++
	leave(run, shown(path), text)
}

/** What went wrong with each. */
async function syncContents(run: Run, items: readonly Item[]): Promise<(Error | undefined)[]> {
	const dated = items.map(setTime)
	const isSynced = items.length >= SYNC_ALL_FILES_MIN && (await run.folder.syncAll())
	// All at once: the disk then writes its journal once for several of them.
	const closed = await Promise.all(items.map(({ arrived }) => (arrived ? closeSynced(arrived.fd, isSynced) : undefined)))
	return items.map((_, index) => dated[index] ?? closed[index])
}

/** Not before it gets its name: on a disk that keeps no other, this time says how long a file has been in `incoming/`. */
function setTime({ arrived, wanted }: Item): Error | undefined {
	try {
		if (arrived) fs.futimesSync(arrived.fd, wanted.mtimeS, wanted.mtimeS)
		return undefined
	} catch (error) {
		return error as Error
	}
}

function closeSynced(fd: number, isSynced: boolean): Promise<Error | undefined> {
	return new Promise((resolve) => {
		const close = (error: Error | null) => fs.close(fd, () => resolve(error ?? undefined))
		isSynced ? close(null) : fs.fsync(fd, close)
	})
}

async function settle(run: Run, { items, failures }: { items: Item[]; failures: [Wanted, Failure][] }): Promise<number> {
	const done: Done[] = failures.map(([wanted, failure]) => ({ wanted, failure }))
	const placed: Item[] = []
	const synced = await syncContents(run, items)
	await withSpots(run.folder, (find) => {
		for (const [index, item] of items.entries()) {
			if (synced[index] !== undefined) dropArrived(run, item)
			const failure = bringHome(run, find, item, synced[index])
			if (failure === undefined) placed.push(item)
			else {
				done.push({ wanted: item.wanted, failure })
				leaveFailed(run, item.wanted, failure)
			}
		}
	})
	if (placed.length < SYNC_ALL_FILES_MIN || !(await run.folder.syncAll())) await syncWays(run.folder, placed.map(({ way }) => way as Way))
	const seenMs = Date.now()
	const held = placed.map(({ wanted, arrived }) => ({ wanted, hash: arrived?.hash ?? (wanted.hash as string) }))
	await run.folder.holdings.add(
		held.map(({ wanted: { id, version, size, path }, hash }) => ({ path: path.toString('latin1'), id, version, size, hash, seenMs })),
	)
	return await report(run, [...held, ...done])
}

/** The system tells once what it could not write, and takes it for written: gone on with, it would pass for whole. */
function dropArrived({ folder }: Run, { arrived }: Item): void {
	if (arrived) fs.rmSync(folder.incoming.at(arrived.name), { force: true })
}

function bringHome(run: Run, find: Find, item: Item, error: Error | undefined): Failure | undefined {
	try {
		if (error !== undefined) throw error
		if (item.arrived !== undefined) item.way = place(run.folder, find, item.wanted.path, item.arrived.name)
		return undefined
	} catch (error) {
		const failure = failureOf(error)
		if (failure === undefined) throw error
		return failure
	}
}
