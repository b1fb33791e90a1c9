/** The journal is kept for a month: longer than any reader is away without starting afresh. */
import * as changes from '../catalogue/changes.ts'
import { type Op, wait } from '../op.ts'
import { linesGo } from '../stats/bound.ts'
import { type Filesystem, transact } from './filesystem.ts'

export const CHANGE_SECONDS_MAX = 30 * 86_400
/** Short transactions: others write meanwhile. */
const BATCH_ROWS = 1_000

/** How many rows went. */
export function* pruneChanges(fs: Filesystem): Op<number> {
	let removed = 0
	for (;;) {
		const rows = yield* wait(changes.oldest(fs.catalogue, BATCH_ROWS, fs.capabilities))
		const old = rows.filter((row) => row.age > CHANGE_SECONDS_MAX)
		if (old.length > 0) {
			yield* wait(
				transact(fs, function* (tx) {
					const { seq } = old[old.length - 1]
					yield* linesGo(tx, seq, fs.capabilities)
					changes.removeUpTo(tx, seq)
				}),
			)
		}
		removed += old.length
		if (old.length < BATCH_ROWS) return removed
	}
}
