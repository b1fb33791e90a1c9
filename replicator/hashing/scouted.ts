/** What a thread found before it was asked, as the main thread has it: given out once, in the order of a walk. */
import type { Worker } from 'node:worker_threads'
import type { Path } from '../../core/ids.ts'
import { type Reply, SCOUT, type Scouted, type Survey } from './packets.ts'

/** No longer than what a walk looks at ahead may wait for its turn. */
const KEPT_MS = 2_000

export interface ScoutedNode {
	readonly root: string
	/** The thread has yet to come to it, which may be long after others that were asked for with it. */
	isToCome(directory: Path): boolean
	/** What it found, after a while perhaps. Undefined: it has to be asked for. */
	take(directory: Path): Promise<{ survey: Survey | undefined } | undefined>
}

export function receive(worker: Worker, root: string): ScoutedNode {
	const found = new Map<string, { survey: Survey | undefined; untilMs: number }>()
	let last = ''
	let isEnded = false
	let wake = Promise.withResolvers<void>()
	worker.on('message', ({ id, scouted }: Reply) => {
		if (id === SCOUT) hear(scouted)
	})
	worker.on('exit', () => hear(undefined))

	function hear(scouted: Scouted | undefined): void {
		const untilMs = performance.now() + KEPT_MS
		for (const [path, survey] of scouted ?? []) found.set(path, { survey, untilMs })
		last = inOrder(scouted?.at(-1)?.[0] ?? last)
		isEnded ||= scouted === undefined
		next()
	}

	function next(): void {
		wake.resolve()
		wake = Promise.withResolvers()
	}

	const isToCome = (path: string) => !isEnded && last < inOrder(path)

	async function toCome(path: string): Promise<void> {
		// The thread keeps nobody alive, and this may be all there is to wait for.
		const alive = setInterval(() => {}, KEPT_MS)
		while (isToCome(path)) await wake.promise
		clearInterval(alive)
	}

	return {
		root,
		isToCome: (directory) => isToCome(directory.toString('latin1')),
		async take(directory) {
			const path = directory.toString('latin1')
			if (isToCome(path)) await toCome(path)
			const known = found.get(path)
			found.delete(path)
			return known && performance.now() < known.untilMs ? known : undefined
		},
	}
}

/** Compared as text, as a walk goes: what is in a directory before its next neighbour. */
function inOrder(path: string): string {
	return path.replaceAll('/', '\0')
}
