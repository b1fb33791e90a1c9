/**
 * Letting the caller run here. Whoever is woken is taken to a processor that is idle, where he wakes the next thread across
 * processors again. A processor on which only threads of the policy SCHED_IDLE run counts as idle too: so this thread is one
 * of them while it writes an answer, and the caller it wakes runs at once where it was, and his next request is there when it goes on.
 *
 * A thread of that policy gets hardly any time beside others that want the processor. So this is done only beside a caller
 * whose requests came late, not where all processors are busy, and not again for a while once it took long.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { PRIO_PROCESS, SCHED, getPriority, getScheduler, setPriority, setScheduler } from './system-calls.ts'

/** Whether others want the processors is asked once in so many answers, */
const ANSWERS_TO_A_GLANCE = 64
/** and one that took this long was kept from going on. It happens when a caller ends, too: the first rest is short. */
const KEPT_MS = 2
const REST_MS = 100
const REST_MS_MAX = 64_000
/** So many without trouble, and it was not the machine's ordinary state. */
const GOOD_ANSWERS = 1_000

export interface GiveWay {
	/** The caller is on this processor, or about to be. */
	begin(): void
	/** Writes an answer. */
	answer(write: () => number): number
}

/** What is asked of the machine. */
export interface Scheduling {
	/** Threads that run or want to, this one included, are as many as there are processors. */
	isBusy(): boolean
	/** How this thread counts, among the idle or not. */
	countAsIdle(isIdle: boolean): void
}

/** Where it may not be done nothing is. */
export function createGiveWay(machine: Scheduling | undefined, nowMs: () => number = () => performance.now()): GiveWay {
	let isOn = false
	let answers = 0
	let restMs = REST_MS
	let restUntilMs = 0

	function rest(atMs: number): void {
		isOn = false
		answers = 0
		restUntilMs = atMs + restMs
		restMs = Math.min(REST_MS_MAX, restMs * 2)
	}

	return {
		begin() {
			isOn = machine !== undefined && nowMs() >= restUntilMs && !machine.isBusy()
		},
		answer(write) {
			if (!isOn || machine === undefined) return write()
			if (++answers % ANSWERS_TO_A_GLANCE === 0 && machine.isBusy()) {
				isOn = false
				return write()
			}
			const startedMs = nowMs()
			machine.countAsIdle(true)
			const written = write()
			machine.countAsIdle(false)
			const endedMs = nowMs()
			if (endedMs - startedMs > KEPT_MS) rest(endedMs)
			else if (answers === GOOD_ANSWERS) restMs = REST_MS
			return written
		},
	}
}

/** struct sched_param of the policies that have no priority. */
const NO_PRIORITY = new Uint8Array(4)

/** Only of a thread that is scheduled like any other, and that may come back from there. */
export function ofMachine(): Scheduling | undefined {
	if (getScheduler(0) !== SCHED.OTHER || !mayRaiseItself()) return undefined
	const processors = availableParallelism()
	return {
		isBusy: () => running() >= processors,
		countAsIdle: (isIdle) => void setScheduler(0, isIdle ? SCHED.IDLE : SCHED.OTHER, NO_PRIORITY),
	}
}

/** To come back from SCHED_IDLE takes the same right as to be nicer to oneself, and that can be tried without harm. */
function mayRaiseItself(): boolean {
	const nice = getPriority(PRIO_PROCESS, 0)
	if (setPriority(PRIO_PROCESS, 0, nice - 1) === -1) return false
	setPriority(PRIO_PROCESS, 0, nice)
	return true
}

/** The fourth field: how many run or want to, of how many. */
function running(): number {
	return Number.parseInt(readFileSync('/proc/loadavg', 'latin1').split(' ')[3], 10)
}
