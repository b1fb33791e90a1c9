/** How much was read back and compared lately, and how old the oldest proof is. Costs what the nodes and days are, not the copies. */
import type { Driver } from '../catalogue/driver.ts'
import * as proofs from '../catalogue/proofs.ts'
import * as verifyDays from '../catalogue/verify-days.ts'
import type { NodeId } from '../ids.ts'
import { type Op, wait } from '../op.ts'

export interface ProofFigures {
	days: number
	/** Copies read in these days, and how many of them were bad. */
	checked: number
	bad: number
	/** Unix seconds; undefined: nothing was ever proved. */
	oldest: number | undefined
	/** There are copies that were never read back. */
	hasUnproved: boolean
}

export function* proofFigures(catalogue: Driver, nodes: readonly NodeId[], days: number): Op<ProofFigures> {
	const rows = yield* wait(verifyDays.list(catalogue, days, catalogue.capabilities))
	const answers = nodes.length === 0 ? [] : yield* wait(catalogue.read(...nodes.flatMap(proofs.oldestQueries)))
	const oldest = nodes.flatMap((_, index) => (answers[2 * index] as Array<{ at: number }>).map(({ at }) => Number(at)))
	return {
		days,
		checked: rows.reduce((sum, { files }) => sum + Number(files), 0),
		bad: rows.reduce((sum, { bad }) => sum + Number(bad), 0),
		oldest: oldest.length === 0 ? undefined : Math.min(...oldest),
		hasUnproved: nodes.some((_, index) => answers[2 * index + 1].length > 0),
	}
}
