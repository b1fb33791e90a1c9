/**
 * Rows that are written with every change and hardly ever read before its commit: the journal, what has to be done on nodes, who writes. While
 * changes are held (held.ts) such an INSERT waits for the commit, where one after the other they take half the time; and a DELETE that comes for
 * the row before that takes it away unwritten. Whatever else names such a table has them written first, so nobody can tell.
 *
 * So such a table is nearly always empty, and that it is is remembered for whoever asks just that, until anything is written to it.
 */
import type { Value } from './driver.ts'
import type { Prepared } from './sqlite-rows.ts'

const TABLES = ['change', 'carried', 'intent', 'writer']
/** Of a row that is there once: an intent's token is of one transaction, and all of that waits or nothing. */
const KEYS: Readonly<Record<string, string>> = { intent: 'node_id, path, client_id, token, op', writer: 'file_id, client_id' }
/** With more rows waiting it is quicker to write them than to look for one. */
const ROWS_LOOKED_AT_MAX = 8
const PUTS = new RegExp(`^INSERT( OR IGNORE)? INTO \`?(${TABLES.join('|')})\`? \\(([^)]*)\\) VALUES \\((.*)\\)$`)
const TAKES = new RegExp(`^DELETE FROM (${Object.keys(KEYS).join('|')}) WHERE (\\w+ = \\?(?: AND \\w+ = \\?)*)$`)
const GLANCE = new RegExp(`^SELECT 1 AS found FROM (${TABLES.join('|')}) LIMIT 1$`)

/** What a statement has to do with these tables. */
export interface Concern {
	/** Of those it names, a bit each. */
	tables: number
	/** It puts rows into this one; by column which value, where it is one row that cannot be there already. */
	puts?: { table: number; places?: ReadonlyMap<string, number> }
	/** It takes a row away from this one: that with these values in these columns, among which are its key. */
	takes?: { table: number; columns: readonly string[] }
	/** It asks whether its table has any row at all. */
	glances: boolean
}

export function concernOf(sql: string): Concern {
	const tables = TABLES.reduce((bits, name, table) => (new RegExp(`\\b${name}\\b`).test(sql) ? bits | (1 << table) : bits), 0)
	const glances = GLANCE.test(sql)
	const [, ignoring, into, names, values] = PUTS.exec(sql) ?? []
	if (into) return { tables, glances, puts: { table: TABLES.indexOf(into), places: ignoring ? undefined : placesOf(names, values) } }
	const [, from, conditions] = TAKES.exec(sql) ?? []
	const columns = conditions?.split(' AND ').map((one) => one.split(' ')[0])
	if (!columns?.join(', ').startsWith(KEYS[from])) return { tables, glances }
	return { tables, glances, takes: { table: TABLES.indexOf(from), columns } }
}

function placesOf(columns: string, values: string): Map<string, number> | undefined {
	const given = values.split(',').map((value) => value.trim())
	const names = columns.split(',').map((name) => name.trim())
	if (given.length !== names.length) return undefined
	let place = 0
	return new Map(names.flatMap((name, index) => (given[index] === '?' ? [[name, place++] as const] : [])))
}

interface Row {
	statement: Prepared
	params: readonly Value[]
	places: ReadonlyMap<string, number> | undefined
}

export interface Unread {
	/** Whether nothing more need be done for it before the commit. */
	puts(concern: Concern, statement: Prepared, params: readonly Value[]): boolean
	/** Whether a statement may see what waits, or miss it. */
	isNamedBy(concern: Concern): boolean
	/** Whether a glance would find nothing, here or in the database: as was seen, if only this connection has written since. */
	isEmpty(concern: Concern): boolean
	/** A glance found nothing. */
	sawNothing(concern: Concern): void
	/** A statement has written. */
	wrote(concern: Concern): void
	/** All that waits. What fails is lost, and with it the transaction. */
	write(): void
	forget(): void
	/** What the tables are like may be different from what was seen. */
	doubt(): void
}

export function createUnread(): Unread {
	let waiting: Row[][] = TABLES.map(() => [])
	/** The tables for which any wait, */
	let bits = 0
	/** and those in which the database has nothing. */
	let empty = 0

	function write(): void {
		if (bits === 0) return
		const rows = waiting
		forget()
		for (const list of rows) for (const { statement, params } of list) statement.run(params)
	}

	function forget(): void {
		waiting = TABLES.map(() => [])
		bits = 0
		doubt()
	}

	function doubt(): void {
		empty = 0
	}

	/** The one row of those that wait which a DELETE is about. */
	function take(table: number, columns: readonly string[], params: readonly Value[]): boolean {
		const rows = waiting[table]
		if (rows.length > ROWS_LOOKED_AT_MAX) return false
		const at = rows.findIndex((row) => isAbout(row, columns, params))
		if (at === -1 || rows.findLastIndex((row) => isAbout(row, columns, params)) !== at) return false
		rows.splice(at, 1)
		if (rows.length === 0) bits &= ~(1 << table)
		return true
	}

	return {
		puts({ puts, takes }, statement, params) {
			if (takes) return take(takes.table, takes.columns, params)
			if (!puts) return false
			waiting[puts.table].push({ statement, params, places: puts.places })
			bits |= 1 << puts.table
			return true
		},
		isNamedBy: ({ tables }) => (tables & bits) !== 0,
		isEmpty: ({ glances, tables }) => glances && (tables & empty & ~bits) !== 0,
		sawNothing({ glances, tables }) {
			if (glances) empty |= tables
		},
		wrote({ tables }) {
			empty &= ~tables
		},
		write,
		forget,
		doubt,
	}
}

function isAbout({ params, places }: Row, columns: readonly string[], values: readonly Value[]): boolean {
	return places !== undefined && columns.every((column, index) => isSame(params[places.get(column) ?? -1], values[index]))
}

function isSame(one: Value | undefined, other: Value): boolean {
	if (one === other) return one !== null
	return one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0
}
