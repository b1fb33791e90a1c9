/** The same trouble is met again every minute. It is said once, and again after an hour. */
const SILENT_MS = 3_600_000
const LINES_KEPT_MAX = 10_000

export interface Repeats {
	/** False when it was said within the hour. */
	isNews(line: string): boolean
}

export function createRepeats(nowMs: () => number = () => performance.now()): Repeats {
	const saidAt = new Map<string, number>()
	return {
		isNews(line) {
			const now = nowMs()
			const before = saidAt.get(line)
			if (before !== undefined && now - before < SILENT_MS) return false
			saidAt.delete(line)
			saidAt.set(line, now)
			// The oldest are first.
			if (saidAt.size > LINES_KEPT_MAX) saidAt.delete(saidAt.keys().next().value as string)
			return true
		},
	}
}
