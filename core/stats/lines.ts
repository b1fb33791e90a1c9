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

/** Numbers as far apart as each other: the first, the last, and how far. */
type Evenly = [first: number, last: number, apart: number]

export function countedOf(job: Pick<JobRow, 'position'> | undefined): Counted {
	if (!job?.position) return NOTHING_COUNTED
	const { low, above } = JSON.parse(Buffer.from(job.position).toString()) as { low: number; above: Array<number | Evenly> }
	return { low, above: above.flatMap((each) => (typeof each === 'number' ? each : numbersOf(each))) }
}

/** Behind a number that is missing there may be more than a column takes one by one. */
export function toPosition({ low, above }: Counted): Uint8Array {
	const runs: Evenly[] = []
	for (const seq of above) {
		const run = runs.at(-1)
		if (run && seq === run[1] + run[2]) run[1] = seq
		else if (run && run[0] === run[1]) runs[runs.length - 1] = [run[0], seq, seq - run[0]]
		else runs.push([seq, seq, 1])
	}
	return Buffer.from(JSON.stringify({ low, above: runs }))
}

function numbersOf([first, last, apart]: Evenly): number[] {
	return Array.from({ length: (last - first) / apart + 1 }, (_, index) => first + index * apart)
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
