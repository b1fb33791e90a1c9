/** Lines of the journal by day. */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import * as days from '../catalogue/stat-days.ts'
import type { CountedChange } from '../catalogue/stat-days.ts'

export function countActivity(tx: Transaction, lines: readonly CountedChange[], capabilities: Capabilities): void {
	const byDay = Map.groupBy(lines, ({ at, op }) => `${days.dayOf(at)} ${op}`)
	for (const each of byDay.values()) days.addActivity(tx, { day: days.dayOf(each[0].at), op: each[0].op, many: each.length }, capabilities)
}
