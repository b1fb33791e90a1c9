/** How long to leave work alone that could not be done: twice as long each time, until something is done or somebody says there is news. */
export interface Pause {
	isOver(): boolean
	/** Another pause, longer than the last. */
	longer(): void
	/** It worked, or something is new. */
	end(): void
}

export interface PauseLimits {
	firstMs: number
	mostMs: number
}

export function createPause({ firstMs, mostMs }: PauseLimits, nowMs: () => number = () => performance.now()): Pause {
	let lengthMs = 0
	let untilMs = Number.NEGATIVE_INFINITY
	return {
		isOver: () => nowMs() >= untilMs,
		longer() {
			lengthMs = Math.min(mostMs, Math.max(firstMs, lengthMs * 2))
			untilMs = nowMs() + lengthMs
		},
		end() {
			lengthMs = 0
			untilMs = Number.NEGATIVE_INFINITY
		},
	}
}
