/** How the archive grew and what was done in it, by day and by month: charts where there is a script, tables everywhere. */
import { count, dayText, size, sizeText } from './amounts.ts'
import { html, type Html, NOTHING } from './html.ts'
import { empty, section, table } from './parts.ts'
import type { DayShown, Overview } from './shown.ts'

const DAYS_IN_TABLE = 14

export function growth({ days }: Overview): Html {
	const body = days.length < 2 ? empty('A day has to pass before there is something to draw.') : html`${charts(days)}${tables(days)}`
	return section({ id: 'growth', title: 'Growth and activity', says: days.length < 2 ? NOTHING : summary(days), body })
}

function summary(days: readonly DayShown[]): Html {
	const month = days.slice(-30)
	const grown = month[month.length - 1].bytes - month[0].bytes
	const files = month[month.length - 1].files - month[0].files
	const signed = (value: number, text: string) => (value >= 0 ? `${text} more` : `${text} less`)
	return html`${signed(grown, sizeText(Math.abs(grown)))} and ${signed(files, count(Math.abs(files)))} files than ${month.length} days ago`
}

/** The script draws from the numbers in the attribute: day, files, bytes, created, changed, removed. */
function charts(days: readonly DayShown[]): Html {
	const numbers = days.map(({ day, files, bytes, created, changed, removed }) => [day, files, bytes, created, changed, removed].join(',')).join(';')
	const last = days[days.length - 1]
	return html`<div class="charts" data-days="${numbers}" hidden>
<div class="ranges" role="group" aria-label="How far back"><button type="button" data-range="31" aria-pressed="false">Month</button><button type="button" data-range="366" aria-pressed="true">Year</button><button type="button" data-range="0" aria-pressed="false">All</button></div>
<figure><figcaption>Stored</figcaption><div class="chart" data-chart="stored" role="img" aria-label="Bytes stored by day, ${sizeText(last.bytes)} on the last; the table below has the numbers"></div></figure>
<figure><figcaption>Files made, changed and removed a <span data-bucket>day</span></figcaption><div class="chart" data-chart="activity" role="img" aria-label="Files made, changed and removed by day; the table below has the numbers"></div></figure>
</div>`
}

const COLUMNS = [
	{ title: 'Files', isNumber: true },
	{ title: 'Stored', isNumber: true },
	{ title: 'Made', isNumber: true },
	{ title: 'Changed', isNumber: true },
	{ title: 'Removed', isNumber: true },
]

function tables(days: readonly DayShown[]): Html {
	const latest = days.slice(-DAYS_IN_TABLE).reverse()
	const months = byMonth(days).reverse()
	return html`<details id="growth-days"><summary>The last ${latest.length} days as a table</summary>${table('By day', [{ title: 'Day' }, ...COLUMNS], latest.map((day) => [dayText(day.day), ...cells(day)]))}</details>
<details id="growth-months"><summary>Months as a table</summary>${table('By month', [{ title: 'Month' }, ...COLUMNS], months.map((month) => [dayText(month.day).slice(0, 7), ...cells(month)]))}</details>`
}

function cells({ files, bytes, created, changed, removed }: DayShown): [string, Html, string, string, string] {
	return [count(files), size(bytes), count(created), count(changed), count(removed)]
}

/** What there was at the end of each, and what was done in all of it. */
function byMonth(days: readonly DayShown[]): DayShown[] {
	const months = new Map<string, DayShown>()
	for (const day of days) {
		const key = dayText(day.day).slice(0, 7)
		const { created = 0, changed = 0, removed = 0 } = months.get(key) ?? {}
		months.set(key, { ...day, created: created + day.created, changed: changed + day.changed, removed: removed + day.removed })
	}
	return [...months.values()]
}
