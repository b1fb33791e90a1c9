/**
 * Waiting for the next request of a caller who is about to make it. To sleep and be woken costs more than most requests do,
 * on a virtual machine several times more, so the loop looks again for a while before it sleeps. How long is learned: the
 * while grows when requests come shortly after it went to sleep and shrinks when it looked in vain, so a caller that takes
 * its time costs next to nothing. Between two looks whoever else wants the processor has it: a caller on this one makes his next
 * request then, and it is there at the first look.
 */
export interface Linger {
	/** `look` says whether there is something now, `sleep` waits a little for it and says whether it came. */
	wait(look: () => boolean, sleep: () => boolean): boolean
	/** How often it looked in vain the last time. */
	looks(): number
}

const LOOK_MS_MIN = 0.02
const LOOK_MS_MAX = 0.2

export function createLinger(nowMs: () => number, yieldProcessor: () => unknown): Linger {
	let lookMs = LOOK_MS_MIN
	let looks = 0
	return {
		wait(look, sleep) {
			looks = 0
			const startedMs = nowMs()
			do {
				yieldProcessor()
				if (look()) return true
				looks++
			} while (nowMs() - startedMs < lookMs)
			const came = sleep()
			const soon = came && nowMs() - startedMs < LOOK_MS_MAX
			lookMs = soon ? Math.min(LOOK_MS_MAX, lookMs * 2) : Math.max(LOOK_MS_MIN, lookMs / 2)
			return came
		},
		looks: () => looks,
	}
}
