/** How the archive came to where it stands: by day, oldest first. */
import * as classTable from '../catalogue/classes.ts'
import type { Driver } from '../catalogue/driver.ts'
import type { Amount } from '../catalogue/holdings.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import type { ActivityRow, DayRow } from '../catalogue/stat-days.ts'
import * as stored from '../catalogue/stat-days.ts'
import { type Op, wait } from '../op.ts'

export interface Day {
	/** Since 1970, of UTC. */
	day: number
	/** `2026-11-27`. */
	date: string
	/** Files at its end, all classes. */
	files: number
	bytes: number
	classes: Array<Amount & { class: string }>
	/** Copies on nodes at its end. */
	nodes: Array<Amount & { node: string; class: string }>
	/** Lines of the journal by kind: create, publish, unlink, ... */
	changes: Record<string, number>
}

export interface DaysAsked {
	days: number
	/** Only of this class, of this node. */
	class?: string
	node?: string
}

/** Each of the last days; one on which nothing was counted stands as the one before. */
export function* dailyFigures(catalogue: Driver, { days, class: onlyClass, node: onlyNode }: DaysAsked): Op<Day[]> {
	const { capabilities } = catalogue
	const classes = new Map((yield* wait(classTable.list(catalogue))).map(({ id, name }) => [id, name]))
	const nodes = new Map((yield* wait(nodeTable.list(catalogue))).map(({ id, name }) => [id, name]))
	const [rows, activity, [clock]] = (yield* wait(
		catalogue.read(stored.sinceQuery(days, capabilities), stored.activityQuery(days, capabilities), [`SELECT ${capabilities.now} AS now`, []]),
	)) as [DayRow[], ActivityRow[], Array<{ now: number }>]
	const byDay = Map.groupBy(rows, ({ day }) => day)
	const activityOf = Map.groupBy(activity, ({ day }) => day)
	const today = stored.dayOf(clock.now)
	const found: Day[] = []
	for (let day = Math.max(today - days + 1, Math.min(today, ...byDay.keys(), ...activityOf.keys())); day <= today; day++) {
		const before = found.at(-1)
		const standing = byDay.get(day)
		const base = standing ? standingOf(standing) : { classes: before?.classes ?? [], nodes: before?.nodes ?? [] }
		found.push({ day, date: new Date(day * 86_400_000).toISOString().slice(0, 10), ...base, ...totalOf(base.classes), changes: changesOn(day) })
	}
	return found

	function standingOf(list: readonly DayRow[]): Pick<Day, 'classes' | 'nodes'> {
		const read = list.map(({ series, files, bytes }) => {
			const { classId, node } = stored.readSeries(series)
			return { class: classes.get(classId) ?? `#${classId}`, node: node === 0 ? '' : (nodes.get(node) ?? `#${node}`), files, bytes }
		})
		const wanted = read.filter((row) => (onlyClass === undefined || row.class === onlyClass) && (onlyNode === undefined || row.node === '' || row.node === onlyNode))
		return { classes: wanted.filter(({ node }) => node === '').map(({ node: _, ...row }) => row), nodes: wanted.filter(({ node }) => node !== '') }
	}

	function changesOn(day: number): Record<string, number> {
		return Object.fromEntries((activityOf.get(day) ?? []).map(({ op, many }) => [op, many]))
	}
}

function totalOf(rows: readonly Amount[]): Amount {
	return { files: rows.reduce((sum, row) => sum + row.files, 0), bytes: rows.reduce((sum, row) => sum + row.bytes, 0) }
}
