/**
 * Changes that may wait for the next transaction: rows of intents that were carried out, writers that are gone. They are
 * written in the same commit as whatever this client does next, or by a timer when it does nothing. If the process dies
 * first, they are found and settled like any other leftover, so nothing may go here that settling would get wrong.
 */
import type { Query } from '../catalogue/driver.ts'
import type { Maybe } from '../op.ts'

export interface Later {
	add(query: Query): void
	take(): Query[]
	putBack(queries: Query[]): void
	size(): number
	/** A transaction that carries what was taken. */
	carriedBy(transaction: Promise<unknown>): void
	/** Everything taken so far is committed, or put back. */
	written(): Maybe<void>
}

const FLUSH_AFTER_MS = 5

export function createLater(flush: () => void): Later {
	let waiting: Query[] = []
	let timer: NodeJS.Timeout | undefined
	const underWay = new Set<Promise<void>>()
	function arm(): void {
		if (timer) return
		timer = setTimeout(() => {
			timer = undefined
			if (waiting.length > 0) flush()
		}, FLUSH_AFTER_MS)
	}
	return {
		add(query) {
			waiting.push(query)
			arm()
		},
		take() {
			if (waiting.length === 0) return waiting
			const taken = waiting
			waiting = []
			return taken
		},
		putBack(queries) {
			waiting = [...queries, ...waiting]
			arm()
		},
		size: () => waiting.length,
		carriedBy(transaction) {
			const settled: Promise<void> = transaction.then(
				() => void underWay.delete(settled),
				() => void underWay.delete(settled),
			)
			underWay.add(settled)
		},
		written: () => (underWay.size === 0 ? undefined : Promise.all(underWay).then(() => undefined)),
	}
}
