/**
 * Rows of the embedded engine. node:sqlite makes objects without a shape of their own: to make one, to read it and to copy it
 * costs more than the query. As arrays they cost half, and objects made of them here are like any other.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Row, Value } from './driver.ts'
import { refuseInexact } from './exact.ts'

export interface Prepared {
	all(params: readonly Value[]): Row[]
	get(params: readonly Value[]): Row | undefined
	/** How many rows it changed. */
	run(params: readonly Value[]): number
}

/**
 * A value that SQLite takes into account when it plans, it plans for anew whenever it is bound, which takes as long as several short queries: a limit
 * since 3.50, and since 3.54 any value of a question about more than one table. Of an expression it knows nothing, and `+?` is the same value.
 */
const QUESTION = /^\s*(SELECT|WITH)\b/
const LIMIT = /\b(LIMIT|OFFSET) \?/g
const VALUE = /(?<!CAST\()\?/g

/** Planned once. */
function lasting(sql: string): string {
	const limited = sql.replace(LIMIT, '$1 CAST(? AS INTEGER)')
	return QUESTION.test(limited) ? limited.replace(VALUE, '+?') : limited
}

export function prepare(db: DatabaseSync, sql: string): Prepared {
	const statement = db.prepare(lasting(sql))
	statement.setReturnArrays(true)
	// Asked for with the first row: a statement that changes something has none.
	let make: ((values: readonly Value[]) => Row) | undefined

	function row(values: readonly Value[]): Row {
		make ??= maker(statement.columns().map(({ name }) => name))
		return make(values)
	}

	return {
		all: (params) => (statement.all(...params) as unknown as Value[][]).map(row),
		get(params) {
			const values = statement.get(...params) as unknown as Value[] | undefined
			return values === undefined ? undefined : row(values)
		},
		run(params) {
			for (const value of params) if (typeof value === 'number') refuseInexact(value)
			return Number(statement.run(...params).changes)
		},
	}
}

/**
 * An object literal with these names. Filled name by name an object of more than a dozen is a hash table to V8: five times as
 * long to make, and slow to read ever after.
 */
function maker(names: readonly string[]): (values: readonly Value[]) => Row {
	const fields = names.map((name, index) => `${JSON.stringify(name)}: values[${index}]`)
	return new Function('values', `return {${fields.join()}}`) as (values: readonly Value[]) => Row
}
