/** One step of keeping the figures: some lines of the journal and some of what is touched, for one transaction. */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import type { Op } from '../op.ts'
import { countActivity } from './activity.ts'
import { type Counted, nextLines } from './lines.ts'
import { rollUp } from './roll-up.ts'

export interface Step {
	/** To be written down in the same transaction. */
	counted: Counted
	lines: number
	/** That were looked at. Nothing is left when neither was any. */
	files: number
}

/** To be called by the one who holds the lease, in a transaction that has made sure of it. */
export function* countNext(tx: Transaction, before: Counted, capabilities: Capabilities): Op<Step> {
	const { fresh, counted } = yield* nextLines(tx, before, capabilities)
	countActivity(tx, fresh, capabilities)
	return { counted, lines: fresh.length, files: yield* rollUp(tx, fresh, capabilities) }
}
