/**
 * Being where the caller is. A caller who waits for each answer and the thread that gives it take turns. On two processors
 * every turn begins with one waking the other, which takes ten times as long as changing threads on one, and on a virtual
 * machine longer than most requests; the scheduler leaves the two where they are. So when the requests of one caller keep
 * coming late, this thread goes over to his processor, once, and may be moved on from there as before.
 */
import { readFileSync } from 'node:fs'
import { getAffinity, ownProcessor, setAffinity } from './system-calls.ts'

/** A caller on the same processor who does nothing else is quicker than this. */
const LATE_MS_MIN = 0.006
/** One who takes longer is busy with something else. */
const LATE_MS_MAX = 0.3
const LATE_REQUESTS = 3
/** Going over costs as much as some requests, */
const REST_MS = 2
/** and so does finding out in vain where he is; and the scheduler may take the caller away at once. Each time the rest doubles, */
const REST_MS_MAX = 64
/** until so many of his requests were not late. */
const TOGETHER_REQUESTS = 100
const MASK_BYTES = 128

export interface Neighbour {
	/** A request came this long after the last answer. */
	came(pid: number, waitedMs: number): void
}

/** What is asked of the machine. */
export interface Processors {
	/** The one a thread ran on last; undefined when there is no such thread. */
	of(pid: number): number | undefined
	own(): number
	goTo(processor: number): void
}

/** `beside` is told each time. */
export function createNeighbour(beside: () => void, processors: Processors = machine, nowMs: () => number = () => performance.now()): Neighbour {
	let caller = 0
	let late = 0
	let together = 0
	let restMs = REST_MS
	let restUntilMs = 0

	function goOver(): void {
		const theirs = processors.of(caller)
		if (theirs === undefined) return
		if (theirs !== processors.own()) processors.goTo(theirs)
		beside()
	}

	return {
		came(pid, waitedMs) {
			// Of its own accord the kernel asks for nobody.
			if (pid === 0 || waitedMs > LATE_MS_MAX) return
			if (pid !== caller) {
				late = 0
				together = 0
				restMs = REST_MS
			}
			caller = pid
			if (waitedMs < LATE_MS_MIN) {
				late = Math.max(0, late - 1)
				if (++together === TOGETHER_REQUESTS) restMs = REST_MS
				return
			}
			together = 0
			if (++late < LATE_REQUESTS) return
			late = 0
			const atMs = nowMs()
			if (atMs < restUntilMs) return
			goOver()
			restUntilMs = atMs + restMs
			restMs = Math.min(REST_MS_MAX, restMs * 2)
		},
	}
}

/** Of /proc/PID/stat, counted from what follows the name. */
const PROCESSOR_FIELD = 36
const allowed = new Uint8Array(MASK_BYTES)

const machine: Processors = {
	of(pid) {
		try {
			const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
			return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[PROCESSOR_FIELD])
		} catch {
			return undefined
		}
	},
	own: ownProcessor,
	/** Where the thread may run afterwards is what it was. */
	goTo(processor) {
		const byte = processor >> 3
		const bit = 1 << (processor & 7)
		if (getAffinity(0, MASK_BYTES, allowed) === -1 || byte >= MASK_BYTES || (allowed[byte] & bit) === 0) return
		const only = new Uint8Array(MASK_BYTES)
		only[byte] = bit
		if (setAffinity(0, MASK_BYTES, only) === 0) setAffinity(0, MASK_BYTES, allowed)
	},
}
