/**
 * Counting the journal's lines by day, each once. How far that came is a number below which every line has been counted, and the
 * numbers above it that have been: on a database with many writers a lower number may appear after a higher one.
 */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import * as days from '../catalogue/stat-days.ts'
import { type Op, wait } from '../op.ts'
import { settled } from './events.ts'

export interface Counted {
	low: number
	above: number[]
}

export const NOTHING_COUNTED: Counted = { low: 0, above: [] }

const BATCH_ROWS = 2_000
/** A number that has not appeared this long after a higher one belongs to a transaction that failed. */
const GAP_SECONDS_MAX = 60

export interface Step {
	counted: Counted
	/** Lines that were new. */
	many: number
}

export function* countActivity(tx: Transaction, before: Counted, capabilities: Capabilities): Op<Step> {
	const rows = yield* wait(days.changesAfter(tx, before.low, BATCH_ROWS, capabilities))
	const seen = new Set(before.above)
	const fresh = rows.filter((row) => !seen.has(row.seq))
	const byDay = Map.groupBy(fresh, ({ at, op }) => `${days.dayOf(at)} ${op}`)
	for (const lines of byDay.values()) days.addActivity(tx, { day: days.dayOf(lines[0].at), op: lines[0].op, many: lines.length }, capabilities)
	return { counted: capabilities.synchronous ? inOrder(before, rows) : withGaps(before, rows), many: fresh.length }
}

/** One writer at a time: numbers appear in the order of their commits. */
function inOrder({ low }: Counted, rows: readonly { seq: number }[]): Counted {
	return { low: rows.at(-1)?.seq ?? low, above: [] }
}

function withGaps({ low }: Counted, rows: ReadonlyArray<{ seq: number; at: number; now: number }>): Counted {
	const end = settled(rows, low, GAP_SECONDS_MAX)
	return { low: end > 0 ? rows[end - 1].seq : low, above: rows.slice(end).map((row) => row.seq) }
}
