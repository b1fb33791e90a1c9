/**
 * The door over HTTP beside nginx on the same files, in one run: `node bench/http/run.ts` (as root; needs nginx, wrk, curl, sqlite3).
 * Each row is run once unmeasured: what is compiled while it runs has run before. A ratio is taken within a round; medians of the
 * rounds are printed. One door, one processor's worth of it, against nginx with a worker for each processor.
 *
 *   --rows REGEX   only rows whose title matches
 *   --rounds N     (5)
 *   --seconds N    of each measurement with wrk (2)
 *   --dir DIR      the disk to measure on (the system's place for temporary files)
 */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { install } from './installation.ts'
import { type Row, rows } from './rows.ts'

const { values } = parseArgs({
	options: { rows: { type: 'string', default: '' }, rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' }, dir: { type: 'string', default: tmpdir() } },
})
const chosen = rows.filter(({ title }) => new RegExp(values.rows, 'i').test(title))
const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

function shown(value: number, { isBytes }: Row): string {
	if (isBytes) return `${Math.round(value / 1024 ** 2)} MiB/s`
	return value < 100 ? value.toFixed(1) : String(Math.round(value))
}

function line(row: Row, taken: ReadonlyArray<[number, number?]>): string {
	const own = shown(median(taken.map(([cairn]) => cairn)), row)
	const others = taken.flatMap(([, other]) => other ?? [])
	if (others.length === 0) return `| ${row.title} | ${row.asked} | ${own} | | |`
	const ratio = median(taken.map(([cairn, other]) => cairn / (other as number)))
	return `| ${row.title} | ${row.asked} | ${own} | ${shown(median(others), row)} | ${ratio.toFixed(2)} |`
}

const made = await install(values.dir)
try {
	const taken = new Map<Row, Array<[number, number?]>>(chosen.map((row) => [row, []]))
	for (const row of chosen) {
		await row.prepare?.(made)
		await row.measure(made, values.seconds)
	}
	for (let round = 0; round < Number(values.rounds); round++) {
		for (const row of chosen) taken.get(row)?.push(await row.measure(made, values.seconds))
	}
	console.log('| | asked | cairn | other | ratio |\n|---|---|---|---|---|')
	for (const [row, list] of taken) console.log(line(row, list))
} finally {
	await made.end()
}
