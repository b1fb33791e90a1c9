/** Threads for who will need one and has much to load before: what starting one takes, and looking around, happens on another processor. */
import type { Worker } from 'node:worker_threads'
import type { Path } from '../../core/ids.ts'
import { newWorker } from './new-worker.ts'
import { type Place, type Request, SCOUT, type Survey } from './packets.ts'
import { receive, type ScoutedNode } from './scouted.ts'

/** A directory with more names is for whoever comes to it. */
export const SURVEYED_NAMES_MAX = 10_000

const early: Worker[] = []
let scouted: ScoutedNode | undefined

export function startEarly(): void {
	early.push(newWorker())
}

export function takeEarly(): Worker | undefined {
	return early.pop()
}

/** Where the next walk will be: a node on a local disk. */
export function scoutEarly(place: Place): void {
	const worker = early.at(-1)
	if (!worker) return
	scouted = receive(worker, place.root)
	worker.postMessage({ ask: 'scout', id: SCOUT, namesMax: SURVEYED_NAMES_MAX, ...place } satisfies Request)
	// Who listens to a thread that has come up waits for it: where all was found already nobody asks it, and nobody ends it.
	worker.unref()
}

/** See scouted.ts. */
export function isToBeScouted(root: string, directory: Path): boolean {
	return scouted?.root === root && scouted.isToCome(directory)
}

/** Undefined for a directory that has to be asked for. */
export async function takeScouted(root: string, directory: Path): Promise<{ survey: Survey | undefined } | undefined> {
	return scouted?.root === root ? await scouted.take(directory) : undefined
}
