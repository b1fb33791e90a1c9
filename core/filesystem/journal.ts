/**
 * Reading what others did. Commit order is not id order on a database with many writers: a change with a lower number may
 * become visible after one with a higher. So reading goes on from the lowest number below which nothing can still come,
 * and what was seen above it is remembered.
 */
import { IN_MAX } from '../catalogue/bulk.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import * as changes from '../catalogue/changes.ts'
import type { Query, Reader } from '../catalogue/driver.ts'
import type { Capabilities } from '../catalogue/driver.ts'
import { type Op, wait } from '../op.ts'

export const BATCH_ROWS_MAX = 5_000
/** A number that has not appeared this long after a higher one belongs to a transaction that failed; or later, where others may wait longer for a lock. */
const GAP_SETTLES_AFTER_MS = 10_000
/** Missing numbers that are asked for one by one. Where there are more, all that came since the first of them is read again. */
const MISSING_MAX = IN_MAX

export interface Pace {
	nowMs?: () => number
	/** How long a transaction may take that has its numbers. */
	transactionMs?: number
}

export interface Journal {
	/** Starts after everything that is there now. */
	start(reader: Reader): Op<void>
	/** Whatever is seen from now on has a higher number. */
	position(): number
	/** The query for what is new; its rows go to `take`. When there are BATCH_ROWS_MAX of them there may be more, which `read` finds. */
	query(): Query
	/** Of the rows read, those not seen before, in order. */
	take(rows: ChangeRow[]): ChangeRow[]
	/** Everything new, in order. */
	read(reader: Reader): Op<ChangeRow[]>
	/** The same a part at a time: of what came while nobody looked there may be more than is to be held. */
	readEach(reader: Reader, see: (rows: readonly ChangeRow[]) => void): Op<void>
	/** Numbers appear in the order of their commits: whoever has read everything in a transaction may pass over what it adds itself. */
	readonly isOrdered: boolean
	/** Everything up to this number is known; only where numbers are ordered. */
	passOver(seq: number): void
}

export function createJournal(capabilities: Capabilities, { nowMs = () => performance.now(), transactionMs = 0 }: Pace = {}): Journal {
	const { synchronous } = capabilities
	const gapSettlesAfterMs = Math.max(GAP_SETTLES_AFTER_MS, transactionMs)
	let low = 0
	/** Taken by a reading that failed further on. */
	let kept: ChangeRow[] = []
	const above = new Map<number, number>()

	/** Whoever opens a file asks this: what was seen above a missing number is not read each time. */
	function unseen(): Query {
		const missing: number[] = []
		let high = low
		for (let left = above.size; left > 0; ) {
			if (above.has(++high)) left--
			else if (missing.push(high) > MISSING_MAX) return changes.sinceQuery(low, BATCH_ROWS_MAX)
		}
		return missing.length === 0 ? changes.sinceQuery(high, BATCH_ROWS_MAX) : changes.unseenQuery({ low, high, missing }, BATCH_ROWS_MAX)
	}

	function settle(): void {
		while (above.delete(low + 1)) low++
		if (above.size === 0) return
		const now = nowMs()
		for (const [seq, seenAt] of [...above].sort((a, b) => a[0] - b[0])) {
			if (seq !== low + 1 && now - seenAt < gapSettlesAfterMs) return
			above.delete(seq)
			low = seq
		}
	}

	const journal: Journal = {
		*start(reader) {
			if (synchronous) {
				low = (yield* wait(changes.last(reader)))?.seq ?? 0
				return
			}
			// Whoever has a lower number than the last may commit when what he changes has been read here.
			const rows = yield* wait(changes.lately(reader, gapSettlesAfterMs / 1_000, capabilities))
			low = rows[0]?.seq ?? 0
			for (const { seq } of rows.slice(1)) above.set(seq, nowMs())
			settle()
		},
		isOrdered: synchronous,
		passOver(seq) {
			if (synchronous) low = Math.max(low, seq)
		},
		position: () => low,
		query: unseen,
		take(rows) {
			const fresh = rows.filter((row) => row.seq > low && !above.has(row.seq))
			// One writer at a time: numbers appear in the order of their commits, and a gap is a rollback.
			if (synchronous && fresh.length > 0) low = fresh[fresh.length - 1].seq
			else for (const row of fresh) above.set(row.seq, nowMs())
			settle()
			return fresh
		},
		*readEach(reader, see) {
			for (let next = journal.query(); ; ) {
				const rows = yield* wait(reader.all<ChangeRow>(...next))
				see(journal.take(rows))
				if (rows.length < BATCH_ROWS_MAX) return
				// On from the last row read and not from `low`, which a gap holds back behind more rows than one batch has.
				next = changes.sinceQuery(rows[rows.length - 1].seq, BATCH_ROWS_MAX)
			}
		},
		*read(reader) {
			yield* journal.readEach(reader, (rows) => {
				for (const row of rows) kept.push(row)
			})
			const all = kept
			kept = []
			return all
		},
	}
	return journal
}
