/** The figures as they are now; where the catalogue does not answer, as they were last. Many who look at once are one question. */
import type { Overview } from '../web/shown.ts'
import { inTime } from './in-time.ts'

/** Younger ones are not asked for again. */
const FRESH_MS = 500

export interface Latest {
	overview: Overview
	/** The catalogue does not answer. */
	isStale: boolean
}

/** Throws only where there never were any. */
export function createLatest(take: () => Promise<Overview>): () => Promise<Latest> {
	let last: Latest | undefined
	let takenMs = Number.NEGATIVE_INFINITY
	let taking: Promise<Overview> | undefined

	/** Until it has an answer nobody asks anew: questions do not pile up behind a catalogue that hangs. */
	function ask(): Promise<Overview> {
		taking ??= take().finally(() => {
			taking = undefined
		})
		return taking
	}

	return async () => {
		if (last && !last.isStale && performance.now() - takenMs < FRESH_MS) return last
		try {
			const overview = await inTime(ask())
			takenMs = performance.now()
			last = { overview, isStale: false }
		} catch (error) {
			if (!last) throw error
			last = { overview: last.overview, isStale: true }
		}
		return last
	}
}
