/** Tables `stat_day`, where things stood at the end of each day, and `stat_activity`, what happened on it. Days are of UTC, by the database's clock. */
import type { FileId, NodeId } from '../ids.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'
import type { Amount } from './holdings.ts'
import type { Maybe } from '../op.ts'

export interface DayRow extends Amount {
	/** Since 1970. */
	day: number
	/** `CLASS@NODE`: copies of the class on the node; `CLASS@0`: its files. */
	series: string
}

export function readSeries(series: string): { classId: number; node: NodeId } {
	const [classId, node] = series.split('@').map(Number)
	return { classId, node }
}

export interface ActivityRow {
	day: number
	op: string
	many: number
}

/** A line of the journal, as far as it is counted. */
export interface CountedChange {
	seq: number
	at: number
	op: string
	file_id: FileId | null
}

const DAY_SECONDS = 86_400

/** Whole days: a plain division is not whole in every database. */
const today = ({ now }: Capabilities) => `((${now} - ${now} % ${DAY_SECONDS}) / ${DAY_SECONDS})`

/** Where things stand now, as today's. */
export function keepToday(tx: Transaction, capabilities: Capabilities): void {
	const day = today(capabilities)
	tx.write(`DELETE FROM stat_day WHERE day = ${day}`)
	tx.write(`INSERT INTO stat_day (day, series, files, bytes)
		SELECT ${day}, CONCAT(class_id, '@0'), SUM(files), SUM(bytes) FROM stat_copies GROUP BY class_id HAVING SUM(files) > 0`)
	tx.write(`INSERT INTO stat_day (day, series, files, bytes)
		SELECT ${day}, CONCAT(class_id, '@', node_id), SUM(files), SUM(bytes) FROM stat_node WHERE state IN (1, 4)
		GROUP BY class_id, node_id HAVING SUM(files) > 0`)
}

export function sinceQuery(days: number, capabilities: Capabilities): Query {
	return [`SELECT day, series, files, bytes FROM stat_day WHERE day > ${today(capabilities)} - ? ORDER BY day, series`, [days]]
}

export function activityQuery(days: number, capabilities: Capabilities): Query {
	return [`SELECT day, op, many FROM stat_activity WHERE day > ${today(capabilities)} - ? ORDER BY day, op`, [days]]
}

export function addActivity(tx: Transaction, { day, op, many }: ActivityRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_activity (day, op, many) VALUES (?,?,0)`, [day, op])
	tx.write('UPDATE stat_activity SET many = many + ? WHERE day = ? AND op = ?', [many, day, op])
}

/** Lines of the journal after a number, with the database's time. */
export function changesAfter(reader: Reader, seq: number, limit: number, { now }: Capabilities): Maybe<Array<CountedChange & { now: number }>> {
	return reader.all(`SELECT seq, at, op, file_id, ${now} AS now FROM \`change\` WHERE seq > ? ORDER BY seq LIMIT ?`, [seq, limit])
}

export function dayOf(seconds: number): number {
	return Math.floor(seconds / DAY_SECONDS)
}
