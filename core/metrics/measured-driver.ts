/** The catalogue with a watch in its hand: how long each kind of question takes, how many failed. */
import type { Driver, Query } from '../catalogue/driver.ts'
import { isPromise, type Maybe } from '../op.ts'
import { counter, histogram, observe, type Timing } from './registry.ts'

const seconds = histogram('cairn_catalogue_seconds', 'Time the catalogue took to answer, by kind of question.', ['kind'])
const failures = counter('cairn_catalogue_failures_total', 'Questions the catalogue did not answer, by kind.', ['kind'])

const KINDS = ['read', 'transaction', 'change'] as const

export function measured(driver: Driver): Driver {
	const [read, transaction, change] = KINDS.map((kind) => watch(seconds.timing(kind), () => failures.add(1, kind)))
	return {
		...driver,
		all: (sql, params) => read(() => driver.all(sql, params)),
		get: (sql, params) => read(() => driver.get(sql, params)),
		read: (...queries: Query[]) => read(() => driver.read(...queries)),
		transaction: (body) => transaction(() => driver.transaction(body)),
		together: async (body) => transaction(() => driver.together(body)),
		change: (sql, params) => change(() => driver.change(sql, params)),
	}
}

type Watch = <T>(ask: () => Maybe<T>) => Maybe<T>

function watch(timing: Timing, failed: () => void): Watch {
	async function later<T>(answer: Promise<T>, startedMs: number): Promise<T> {
		try {
			return await answer
		} catch (error) {
			failed()
			throw error
		} finally {
			observe(timing, (performance.now() - startedMs) / 1000)
		}
	}
	return (ask) => {
		const startedMs = performance.now()
		let answer: ReturnType<typeof ask>
		try {
			answer = ask()
		} catch (error) {
			failed()
			throw error
		}
		if (isPromise(answer)) return later(answer, startedMs)
		observe(timing, (performance.now() - startedMs) / 1000)
		return answer
	}
}
