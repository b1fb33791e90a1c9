/**
 * What questions cost at 1,000,000 files: `node bench/stats/stats.ts [--files 1000]` (per directory; there are 1000). Both engines; the
 * result goes to docs/PERFORMANCE-STATS.md when it was a whole run.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMariadb } from '../../tests/support/mariadb.ts'
import { writeReport } from '../beside.ts'
import { machineFacts } from '../machine.ts'
import { fillCatalogue } from '../million.ts'
import { run } from '../processes.ts'
import { median } from '../samples.ts'
import { LISTEN, openDoor } from './door.ts'

const PROGRAM = join(import.meta.dirname, 'process.ts')
const CAIRN = join(import.meta.dirname, '../../cairn')
const REPORT = join(import.meta.dirname, '../../docs/PERFORMANCE-STATS.md')
/** As the launcher starts a replicator. */
const LAUNCHED = [process.execPath, '--min-semi-space-size=4', '--max-semi-space-size=4', '--max-old-space-size=512']
const DEADLINE_MS = 900_000
const DIRECTORIES = 1_000
const ROUNDS = 40
const DOOR_ROUNDS = 20
const PAGES = [
	{ what: 'the page', path: '/', limitMs: 300 },
	{ what: 'the page of a file', path: '/tree/d7/f7', limitMs: 50 },
	{ what: 'the page of a directory of 1000 files', path: '/tree/d7/', limitMs: 300 },
	{ what: 'the page of the root, 1000 directories', path: '/tree/', limitMs: 300 },
]
const STARTS = 5
const SECONDS = 15
const PER_SECOND = 100

interface Row {
	what: string
	wanted: string
	measured: string[]
	met: boolean
}

const { values } = parseArgs({ options: { files: { type: 'string', default: '1000' } } })
const files = Number(values.files)
const directory = mkdtempSync(join(tmpdir(), 'cairn-bench-stats-'))
const rows = new Map<string, Row>()
const server = await startMariadb()
try {
	await measure('SQLite', `sqlite:${join(directory, 'catalogue.db')}`)
	await measure('MariaDB', await server.freshDatabase('bench_stats'))
	const report = await toReport()
	console.log(report)
	if (files * DIRECTORIES >= 1_000_000) writeReport(REPORT, report)
} finally {
	await server.stop()
	rmSync(directory, { recursive: true, force: true })
}

async function measure(engine: string, catalogue: string): Promise<void> {
	const own = join(directory, engine)
	mkdirSync(own)
	const ask = async (what: string, ...words: string[]) => await run([...LAUNCHED, PROGRAM, what, catalogue, ...words], { deadlineMs: DEADLINE_MS })
	await ask('init', own)
	await fillCatalogue(catalogue.replace(/^sqlite:/, ''), { directories: DIRECTORIES, files })
	const counted = JSON.parse(await ask('count'))
	add('counting all of it from nothing', '', `${engine} ${counted.seconds.toFixed(0)} s (processor ${counted.cpuSeconds.toFixed(0)} s, ${counted.mib} MiB)`, true)
	const ms = JSON.parse(await ask('ask', String(ROUNDS))) as Record<string, number[]>
	const within = (what: string, name: string, limitMs: number) =>
		add(what, `< ${limitMs} ms`, `${engine} ${(median(ms[name]) ?? 0).toFixed(1)} ms, at most ${Math.max(...ms[name]).toFixed(0)}`, Math.max(...ms[name]) < limitMs)
	within('all questions of the page, a year of days', 'page', 300)
	within('one file, explained', 'file', 50)
	within('sizes below the root, 1000 directories', 'tree', 1_000)
	const config = join(own, 'config.ts')
	writeFileSync(config, `export default { catalogue: '${catalogue}', api: { listen: [{ at: '${LISTEN}' }] } }\n`, { mode: 0o600 })
	await timeVerbs(engine, '', config)
	await throughDoor(engine, config)
	const { share } = JSON.parse(await ask('keep', String(SECONDS), String(PER_SECOND))) as { share: number }
	add(`keeping the figures at ${PER_SECOND} changes a second`, '< 2 % of a core', `${engine} ${(share * 100).toFixed(2)} %`, share < 0.02)
}

async function throughDoor(engine: string, config: string): Promise<void> {
	const door = await openDoor(config)
	try {
		for (const { what, path, limitMs } of PAGES) {
			const ms = await door.time(path, DOOR_ROUNDS)
			const middle = median(ms) ?? 0
			add(`${what}, through the door`, `< ${limitMs} ms`, `${engine} ${middle.toFixed(1)} ms, at most ${Math.max(...ms).toFixed(0)}`, middle < limitMs)
		}
		await timeVerbs(engine, ', while a door or a mount runs', config)
	} finally {
		await door.stop()
	}
}

/** With the start of a program. */
async function timeVerbs(engine: string, beside: string, config: string): Promise<void> {
	const time = async (...words: string[]) => {
		const ms: number[] = []
		for (let round = 0; round <= STARTS; round++) {
			const started = performance.now()
			await run([CAIRN, ...words, '--config', config], { deadlineMs: DEADLINE_MS })
			// The first fills the cache of compiled code.
			if (round > 0) ms.push(performance.now() - started)
		}
		return median(ms) ?? 0
	}
	const why = await time('why', '/d7/f7')
	add(`\`cairn why PATH\`, start included${beside === '' ? ', nothing else running' : beside}`, '< 150 ms', `${engine} ${why.toFixed(0)} ms`, why < 150)
	if (beside !== '') return
	const du = await time('du', '/')
	add('`cairn du /`, start included', '< 1000 ms', `${engine} ${du.toFixed(0)} ms`, du < 1_000)
}

function add(what: string, wanted: string, measured: string, met: boolean): void {
	const row = rows.get(what) ?? { what, wanted, measured: [], met: true }
	rows.set(what, row)
	row.measured.push(measured)
	row.met &&= met
	console.error(`${what}: ${measured}`)
}

async function toReport(): Promise<string> {
	return `# Performance of figures and answers

Measured with \`bench/stats/stats.ts\` on ${new Date().toISOString().slice(0, 10)}, with ${files * DIRECTORIES} files in ${DIRECTORIES} directories. Medians; "at most" is the slowest
of ${ROUNDS}. Processor time is that of the process that asks: with MariaDB the server's comes on top.

| what | wanted | measured |  |
|---|---|---|---|
${[...rows.values()].map(({ what, wanted, measured, met }) => `| ${what} | ${wanted} | ${measured.join('; ')} | ${wanted === '' ? '' : met ? 'met' : '**missed**'} |`).join('\n')}

${(await machineFacts(directory)).map((line) => `- ${line}`).join('\n')}
`
}
