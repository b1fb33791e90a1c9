/**
 * Bytes per second for all who share a throttle. Each takes the next stretch of time that is free, as long as its bytes need
 * at that rate, and waits for its beginning: so the sum is exact whatever the number of streams, and they take turns.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** Time that went by unused may be made up for, but no more of it: a timer that fired late, not a pause. */
const CREDIT_MS = 250

export interface Clock {
	elapsedMs(): number
	sleep(ms: number, signal?: AbortSignal): Promise<unknown>
}

const systemClock: Clock = { elapsedMs: () => performance.now(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) }

export interface Throttle {
	/** Milliseconds to wait before so many bytes may go, at a rate; they are taken into account already. */
	reserve(bytes: number, bytesPerSecond: number | undefined): number
}

export function createThrottle(clock: Pick<Clock, 'elapsedMs'> = systemClock): Throttle {
	let freeAtMs = Number.NEGATIVE_INFINITY
	return {
		reserve(bytes, bytesPerSecond) {
			if (bytesPerSecond === undefined) return 0
			const nowMs = clock.elapsedMs()
			const beginsMs = Math.max(freeAtMs, nowMs - CREDIT_MS)
			freeAtMs = beginsMs + (bytes * 1000) / bytesPerSecond
			return Math.max(0, beginsMs - nowMs)
		},
	}
}

/** Under several limits at once the slowest holds. */
export async function pass(bytes: number, limits: ReadonlyArray<{ throttle: Throttle; rate: number | undefined }>, signal: AbortSignal, clock: Clock = systemClock): Promise<void> {
	const ms = Math.max(0, ...limits.map(({ throttle, rate }) => throttle.reserve(bytes, rate)))
	if (ms > 0) await clock.sleep(ms, signal)
}
