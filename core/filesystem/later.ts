/**
 * Changes that may wait for the next transaction: rows of intents that were carried out, writers that are gone. They are
 * written in the same commit as whatever this client does next, or by a timer when it does nothing. If the process dies
 * first, they are found and settled like any other leftover, so nothing may go here that settling would get wrong.
 */
import type { Query } from '../catalogue/driver.ts'
import { isPromise, type Maybe } from '../op.ts'

export interface Later {
	add(query: Query): void
	take(): Query[]
	putBack(queries: Query[]): void
	size(): number
	/** A transaction that carries what was taken. */
	carriedBy(transaction: Promise<unknown>): void
	/** Everything taken so far is committed, or put back. */
	written(): Maybe<void>
	/** What comes from now on is left to whoever settles: the catalogue is about to be closed. */
	end(): void
}

const FLUSH_AFTER_MS = 5
/** Each time the catalogue does not take it the pause doubles, up to this. */
const FLUSH_AFTER_MS_MAX = 5_000

/** `flush` writes what waits; `report` is told when that begins to fail, once until it succeeds again. */
export function createLater(flush: () => unknown, report: (error: Error) => void = () => {}): Later {
	let waiting: Query[] = []
	let timer: NodeJS.Timeout | undefined
	let pauseMs = FLUSH_AFTER_MS
	let isFlushing = false
	let isOver = false
	/** What the timer's flush took: that another transaction fails may be its own doing and says nothing of the catalogue. */
	let flushed: Query[] | undefined
	let isReported = false
	const underWay = new Set<Promise<void>>()
	function arm(): void {
		if (timer || isOver) return
		timer = setTimeout(() => {
			timer = undefined
			if (waiting.length > 0) attempt()
		}, pauseMs)
	}

	function attempt(): void {
		isFlushing = true
		try {
			const result = flush()
			if (isPromise(result)) result.catch(failed)
		} catch (error) {
			failed(error as Error)
		} finally {
			isFlushing = false
		}
	}

	function failed(error: Error): void {
		if (!isReported) report(error)
		isReported = true
	}

	function succeeded(): void {
		isReported = false
		if (pauseMs === FLUSH_AFTER_MS) return
		pauseMs = FLUSH_AFTER_MS
		clearTimeout(timer)
		timer = undefined
		if (waiting.length > 0) arm()
	}

	return {
		add(query) {
			// Nothing was put back and nothing is under way: all there was is committed.
			if (waiting.length === 0 && underWay.size === 0) succeeded()
			waiting.push(query)
			arm()
		},
		take() {
			if (waiting.length === 0) return waiting
			const taken = waiting
			waiting = []
			if (isFlushing) flushed = taken
			return taken
		},
		putBack(queries) {
			waiting = [...queries, ...waiting]
			if (queries === flushed) pauseMs = Math.min(FLUSH_AFTER_MS_MAX, pauseMs * 2)
			arm()
		},
		size: () => waiting.length,
		carriedBy(transaction) {
			const settled: Promise<void> = transaction.then(
				() => {
					underWay.delete(settled)
					succeeded()
				},
				() => void underWay.delete(settled),
			)
			underWay.add(settled)
		},
		written: () => (underWay.size === 0 ? undefined : Promise.all(underWay).then(() => undefined)),
		end() {
			isOver = true
			clearTimeout(timer)
			timer = undefined
		},
	}
}
