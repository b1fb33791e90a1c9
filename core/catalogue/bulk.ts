/** Many rows with one statement: what a statement costs by itself is shared by all of them. */
import type { Query, Transaction, Value } from './driver.ts'

/** Rows of one statement, most first. Few texts, because drivers prepare and keep each. */
const SIZES = [32, 8, 4, 2, 1]

/** `into` is `INSERT INTO table (columns)`, `row` what stands for one of the rows: `(?, ?, 1)`; `put` sets its values, from `at` on. */
export function insertRows<T>(
	tx: Transaction,
	into: string,
	row: string,
	rows: readonly T[],
	put: (values: Value[], at: number, row: T) => void,
	/** What becomes of rows that are there. */
	end = '',
): void {
	insertMany(tx, into, row, rows.length, (values, at, index) => put(values, at, rows[index]), end)
}

/** The same of `many` rows that are no objects: `put` is called for each in turn. */
export function insertMany(
	tx: Transaction,
	into: string,
	row: string,
	many: number,
	put: (values: Value[], at: number, index: number) => void,
	end = '',
): void {
	const width = row.split('?').length - 1
	for (let from = 0; from < many; ) {
		const size = SIZES.find((each) => each <= many - from) as number
		const values = new Array<Value>(size * width)
		for (let index = 0; index < size; index++) put(values, index * width, from + index)
		tx.write(textOf(into, row, size, end), values)
		from += size
	}
}

const texts = new Map<string, string>()

function textOf(into: string, row: string, size: number, end: string): string {
	const key = `${size} ${into} ${row} ${end}`
	let text = texts.get(key)
	if (text === undefined) {
		text = `${into} VALUES ${Array(size).fill(row).join(',')} ${end}`
		texts.set(key, text)
	}
	return text
}

/** Values of one `IN (...)`. */
export const IN_MAX = 32
/** What `inLists` fills. */
export const IN_LIST = `(${Array(IN_MAX).fill('?').join(',')})`

/**
 * For `= ?` in a question for the rows behind one that was seen last, page by page. With an `=` MariaDB goes through all that are before it, each
 * time, where they are more than half of a table: it takes the equal columns for all there is to look up. The null is in no list.
 */
export const IS_ONE = 'IN (?, NULL)'

/** The last number of a page of a table's rows, by a column of whole numbers that is a key; null where there are none after that. */
export function endOfPageQuery({ table, column = 'id' }: { table: string; column?: string }, after: number, limit: number): Query {
	return [`SELECT MAX(${column}) AS last FROM (SELECT ${column} FROM ${table} WHERE ${column} > ? ORDER BY ${column} LIMIT ?) page`, [after, limit]]
}

/** Any number of values as lists of one length; the last value stands in for those that are not there. */
export function inLists<T extends Value>(values: readonly T[]): T[][] {
	const lists: T[][] = []
	for (let at = 0; at < values.length; at += IN_MAX) {
		const list = values.slice(at, at + IN_MAX)
		while (list.length < IN_MAX) list.push(list[list.length - 1])
		lists.push(list)
	}
	return lists
}
