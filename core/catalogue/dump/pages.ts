/** A whole table, a page at a time, in the order of its key: memory stays small however many rows there are. */
import type { Reader, Row, Value } from '../driver.ts'
import type { DumpedTable } from './tables.ts'

/** Few: what outlives a page of it makes the heap grow. */
const PAGE_ROWS = 500

type Pager = (after: Value[] | undefined) => Promise<Row[]>

export async function* pagesOf(reader: Pick<Reader, 'all'>, table: DumpedTable): AsyncGenerator<Row[]> {
	const next = table.key.length === 1 ? byOne(reader, table) : byTwo(reader, table)
	for (let after: Value[] | undefined; ; ) {
		const rows = await next(after)
		if (rows.length > 0) yield rows
		if (rows.length < PAGE_ROWS) return
		const last = rows[rows.length - 1]
		after = table.key.map((column) => last[column])
	}
}

function byOne(reader: Pick<Reader, 'all'>, { name, columns, key: [key] }: DumpedTable): Pager {
	const select = `SELECT ${columns.join(', ')} FROM ${name}`
	const end = `ORDER BY ${key} LIMIT ${PAGE_ROWS}`
	return async (after) => reader.all(after ? `${select} WHERE ${key} > ? ${end}` : `${select} ${end}`, after ?? [])
}

/**
 * The rest of the first column's value, then what has a higher one: neither database reads `(a, b) > (?, ?)` and `a > ? OR
 * (a = ? AND b > ?)` along the key.
 */
function byTwo(reader: Pick<Reader, 'all'>, { name, columns, key }: DumpedTable): Pager {
	const [first, second] = key as readonly [string, string]
	const select = `SELECT ${columns.join(', ')} FROM ${name}`
	const end = `ORDER BY ${first}, ${second} LIMIT`
	return async (after) => {
		if (!after) return reader.all(`${select} ${end} ${PAGE_ROWS}`)
		const rest = await reader.all(`${select} WHERE ${first} = ? AND ${second} > ? ${end} ${PAGE_ROWS}`, after)
		const room = PAGE_ROWS - rest.length
		return room === 0 ? rest : [...rest, ...(await reader.all(`${select} WHERE ${first} > ? ${end} ?`, [after[0], room]))]
	}
}
