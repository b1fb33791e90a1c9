/** What another does in a moment that a test chooses. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { wait } from '../../core/op.ts'
import { until } from '../support/until.ts'

const HELD_UP = "SELECT 1 AS found FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_row_lock_current_waits' AND VARIABLE_VALUE > 0"

/** Begun when the next transaction has decided, which is committed when that is through, or held up by a lock. Where there is more than one writer at a time. */
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

type Answer = (sql: string, ...rest: unknown[]) => unknown

/** Before the first answer to a question with these words is handed on. */
export function beforeAnswer({ catalogue }: Filesystem, words: string, act: () => Promise<unknown>): void {
	let isOver = false
	for (const name of ['all', 'read'] as const) {
		const real = catalogue[name] as Answer
		const late = (...args: Parameters<Answer>) => {
			if (isOver || !args.flat(2).some((arg) => typeof arg === 'string' && arg.includes(words))) return real(...args)
			isOver = true
			return Promise.resolve(real(...args)).then((answer) => act().then(() => answer))
		}
		Object.assign(catalogue, { [name]: late })
	}
}
