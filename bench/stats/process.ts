/**
 * What figures cost at a size: `init CATALOGUE DIRECTORY` makes a catalogue with two nodes; `count CATALOGUE` counts everything
 * that waits; `ask CATALOGUE ROUNDS` asks what the page asks; `keep CATALOGUE SECONDS PER_SECOND` keeps the figures while files change.
 * Each prints JSON. Processor times are of this process: with SQLite that is all there is.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { addNode } from '../../cli/node-add.ts'
import * as changes from '../../core/catalogue/changes.ts'
import * as classTable from '../../core/catalogue/classes.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { askerOf } from '../../core/stats/asker.ts'
import { dailyFigures } from '../../core/stats/days.ts'
import { explain } from '../../core/stats/explain.ts'
import { overview } from '../../core/stats/overview.ts'
import { childSizes, sizeBelow } from '../../core/stats/tree-sizes.ts'
import { runJob } from '../../replicator/replicator.ts'
import { isStatsDue, rebuildJob, statsJob } from '../../replicator/stats/stats.ts'

const CHARTED_DAYS = 365

const [what, address, ...rest] = process.argv.slice(2)
const config = withDefaults({ catalogue: address })
const catalogue = await openCatalogue(config, { create: what === 'init' })

if (what === 'init') await init(rest[0])
else {
	const fs = await run(startFilesystem({ config, catalogue, what: 'bench', report: () => undefined }))
	const answers = { count: () => count(fs), ask: () => ask(fs, Number(rest[0])), keep: () => keep(fs, { seconds: Number(rest[0]), perSecond: Number(rest[1]) }) }
	console.log(JSON.stringify(await answers[what as keyof typeof answers]()))
	await stopFilesystem(fs)
}
await catalogue.close()

async function init(directory: string): Promise<void> {
	await initialise(catalogue, { owner: { uid: 0, gid: 0 }, classes: config.classes, now: { s: 1, ns: 0 } })
	for (const name of ['a', 'b']) {
		mkdirSync(join(directory, name))
		await addNode(catalogue, name, { path: join(directory, name), zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
}

async function job(fs: Filesystem, which = statsJob): Promise<void> {
	await runJob(fs, fs.nodes.get(1) as Node, which, { signal: new AbortController().signal })
	await flushLater(fs)
}

async function count(fs: Filesystem): Promise<object> {
	const started = performance.now()
	const cpu = process.cpuUsage()
	await job(fs, rebuildJob)
	const { user, system } = process.cpuUsage(cpu)
	return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6, mib: Math.round(process.memoryUsage.rss() / 2 ** 20) }
}

async function ask(fs: Filesystem, rounds: number): Promise<object> {
	const classes = await classTable.list(catalogue)
	const [{ first, last }] = await catalogue.all('SELECT MIN(id) AS first, MAX(id) AS last FROM file WHERE kind = 8')
	const ms: Record<string, number[]> = { page: [], file: [], tree: [] }
	const timed = async (name: string, work: () => Promise<unknown>) => {
		const started = performance.now()
		await work()
		ms[name].push(performance.now() - started)
	}
	for (let round = 0; round < rounds; round++) {
		await timed('page', async () => [await run(overview(catalogue)), await run(dailyFigures(catalogue, { days: CHARTED_DAYS }))])
		const id = first + Math.floor(((last - first) * (round + 0.5)) / rounds)
		await timed('file', async () => await run(explain(askerOf(fs), id, classes)))
		await timed('tree', async () => [await run(sizeBelow(catalogue, 1)), await run(childSizes(catalogue, 1, 0, 1_000))])
	}
	return ms
}

/** Each second so many files, anywhere in the tree, get a copy or lose one, as replicators leave them. */
async function keep(fs: Filesystem, { seconds, perSecond }: { seconds: number; perSecond: number }): Promise<object> {
	const [{ first, last }] = await catalogue.all('SELECT MIN(id) AS first, MAX(id) AS last FROM file WHERE kind = 8')
	const cpu = { user: 0, system: 0 }
	const started = performance.now()
	for (let second = 0; second < seconds; second++) {
		await catalogue.transaction(function* (tx) {
			for (let each = 0; each < perSecond; each++) {
				const file = first + Math.floor(Math.random() * (last - first))
				tx.write('UPDATE replica SET state = 3 - state WHERE file_id = ?', [file])
				changes.insert(tx, fs.client, { op: 'publish', file }, catalogue.capabilities)
			}
		})
		const before = process.cpuUsage()
		if (await isStatsDue(fs)) await job(fs)
		const used = process.cpuUsage(before)
		cpu.user += used.user
		cpu.system += used.system
		await sleep(Math.max(0, started + (second + 1) * 1_000 - performance.now()))
	}
	return { share: (cpu.user + cpu.system) / 1e6 / ((performance.now() - started) / 1000) }
}
