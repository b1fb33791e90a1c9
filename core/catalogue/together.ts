/**
 * Changes that share a commit. Those that are asked for in one turn of the event loop are made at its end, in the order in which they were
 * asked for. Nobody hears of his before the commit is made: where many ask, it is the commit that costs; who asks alone loses nothing.
 */
import type { Maybe, Op } from '../op.ts'
import type { Transaction } from './driver.ts'

export type Body = (tx: Transaction) => Op<unknown>
export type Outcome = { value: unknown } | { error: unknown }

/** With one commit. */
const CHANGES_MAX = 64

interface Asked {
	body: Body
	resolve(value: unknown): void
	reject(error: unknown): void
}

export interface Together {
	add<T>(body: (tx: Transaction) => Op<T>): Promise<T>
	/** Nothing is asked for that was not answered. */
	ended(): Promise<void>
}

/** `commit` makes changes, from the first on as many as it likes, and says what came of each; when it throws none of them was made. */
export function createTogether(commit: (bodies: readonly Body[]) => Maybe<readonly Outcome[]>): Together {
	let asked: Asked[] = []
	let working: Promise<void> | undefined

	async function work(): Promise<void> {
		while (asked.length > 0) {
			// What else has come with this turn is asked for first.
			await new Promise((resolve) => setImmediate(resolve))
			await commitNext(asked.splice(0, CHANGES_MAX))
		}
		working = undefined
	}

	async function commitNext(list: readonly Asked[]): Promise<void> {
		try {
			const outcomes = await commit(list.map(({ body }) => body))
			asked = [...list.slice(outcomes.length), ...asked]
			for (const [index, outcome] of outcomes.entries()) answer(list[index], outcome)
		} catch (error) {
			for (const { reject } of list) reject(error)
		}
	}

	return {
		add<T>(body: (tx: Transaction) => Op<T>) {
			return new Promise<T>((resolve, reject) => {
				asked.push({ body, resolve: (value) => resolve(value as T), reject })
				working ??= work()
			})
		},
		async ended() {
			await working
		},
	}
}

function answer({ resolve, reject }: Asked, outcome: Outcome): void {
	if ('error' in outcome) reject(outcome.error)
	else resolve(outcome.value)
}
