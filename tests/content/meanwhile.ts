/** What another does while a transaction is under way: through before its commit, or held up by a lock of it. For databases with more than one writer at a time. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { wait } from '../../core/op.ts'
import { until } from '../support/until.ts'

const HELD_UP = "SELECT 1 AS found FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_row_lock_current_waits' AND VARIABLE_VALUE > 0"

/** Begins it when the next transaction has decided, which is committed then. */
export function duringNext<T>(fs: Filesystem, act: () => Promise<T>): Promise<T> {
	const { catalogue } = fs
	const { transaction } = catalogue
	const { promise, resolve } = Promise.withResolvers<T>()
	catalogue.transaction = (body) => {
		catalogue.transaction = transaction
		return transaction(function* (tx) {
			const value = yield* body(tx)
			const acting = act()
			resolve(acting)
			let isThrough: true | undefined
			const end = () => {
				isThrough = true
			}
			acting.then(end, end)
			yield* wait(until('it is through, or held up', async () => isThrough ?? (await catalogue.get(HELD_UP))))
			return value
		})
	}
	return promise
}
