/**
 * The journal for who counts, each line once. How far that came is a number below which every line has been counted, and the
 * numbers above it that have been: on a database with many writers a lower number may appear after a higher one.
 */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import * as jobs from '../catalogue/jobs.ts'
import type { JobRow } from '../catalogue/jobs.ts'
import * as days from '../catalogue/stat-days.ts'
import type { CountedChange } from '../catalogue/stat-days.ts'
import { type Op, wait } from '../op.ts'
import { settled } from './events.ts'

export interface Counted {
	low: number
	above: number[]
}

/** Its position is how far the journal is counted. */
export const JOB = jobs.jobName('stats')

/** As many as a few milliseconds of the database's write lock allow. */
const BATCH_LINES = 256
/** A number that has not appeared this long after a higher one belongs to a transaction that failed: none waits longer for a lock. */
const GAP_SECONDS_MAX = 60

export const NOTHING_COUNTED: Counted = { low: 0, above: [] }

export function countedOf(job: Pick<JobRow, 'position'> | undefined): Counted {
	return job?.position ? (JSON.parse(Buffer.from(job.position).toString()) as Counted) : NOTHING_COUNTED
}

export function toPosition(counted: Counted): Uint8Array {
	return Buffer.from(JSON.stringify(counted))
}

export interface Lines {
	/** Those not counted yet. */
	fresh: CountedChange[]
	/** How far it came, with them. */
	counted: Counted
	/** There may be more. */
	isFull: boolean
}

export function* nextLines(tx: Transaction, before: Counted, capabilities: Capabilities): Op<Lines> {
	const limit = BATCH_LINES + before.above.length
	const rows = yield* wait(days.changesAfter(tx, before.low, limit, capabilities))
	const seen = new Set(before.above)
	const fresh = rows.filter((row) => !seen.has(row.seq))
	return { fresh, counted: capabilities.synchronous ? inOrder(before, rows) : withGaps(before, rows), isFull: rows.length === limit }
}

/** One writer at a time: numbers appear in the order of their commits. */
function inOrder({ low }: Counted, rows: readonly { seq: number }[]): Counted {
	return { low: rows.at(-1)?.seq ?? low, above: [] }
}

function withGaps({ low }: Counted, rows: ReadonlyArray<{ seq: number; at: number; now: number }>): Counted {
	const end = settled(rows, low, GAP_SECONDS_MAX)
	return { low: end > 0 ? rows[end - 1].seq : low, above: rows.slice(end).map((row) => row.seq) }
}
