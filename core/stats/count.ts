/** One step of keeping the figures: some lines of the journal and some of what is touched, for one transaction. */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import { keepToday } from '../catalogue/stat-days.ts'
import type { Op } from '../op.ts'
import { countActivity } from './activity.ts'
import { type Counted, nextLines } from './lines.ts'
import { rollUp } from './roll-up.ts'

export interface Step {
	/** To be written down in the same transaction. */
	counted: Counted
	/** That were looked at. */
	files: number
	/** Another step would find nothing, but for what happened meanwhile. */
	isLast: boolean
}

/** To be called by the one who holds the lease, in a transaction that has made sure of it. */
export function* countNext(tx: Transaction, before: Counted, capabilities: Capabilities): Op<Step> {
	const { fresh, counted, isFull } = yield* nextLines(tx, before, capabilities)
	countActivity(tx, fresh, capabilities)
	const rolled = yield* rollUp(tx, fresh, capabilities)
	const isLast = !isFull && !rolled.isFull
	if (isLast) keepToday(tx, capabilities)
	return { counted, files: rolled.files, isLast }
}
