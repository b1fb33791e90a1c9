/**
 * Time in which this process had its turns. One that stood still (it was stopped, its machine was paused, a call kept its only thread) finds all its deadlines
 * over when it goes on, and has yet to read what was answered meanwhile.
 */
const TICK_MS = 500
/** Between two ticks, or two looks at this clock. More is no load. */
const TURN_MS_MAX = 1_000

let isTicking = false
let seenMs = performance.now()
let stoodStillMs = 0

export function awakeMs(): number {
	if (!isTicking) setInterval(awakeMs, TICK_MS).unref()
	isTicking = true
	const nowMs = performance.now()
	if (nowMs - seenMs > TURN_MS_MAX) stoodStillMs += nowMs - seenMs
	seenMs = nowMs
	return nowMs - stoodStillMs
}

/** Calls when this process was awake for so long; the answer keeps it from that. */
export function whenAwakeUntil(untilMs: number, expire: () => void): () => void {
	const arm = () => setTimeout(look, Math.max(1, untilMs - awakeMs()))
	const look = () => {
		if (awakeMs() < untilMs) timer = arm()
		else expire()
	}
	let timer = arm()
	return () => clearTimeout(timer)
}
