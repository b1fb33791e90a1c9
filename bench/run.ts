/** `npm run bench`: the same work on every system, in turns; see README.md. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, openBench } from './bench.ts'
import { writeReport } from './beside.ts'
import { type Subject, subjectOf } from './fixtures.ts'
import { machineFacts } from './machine.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { DeadlinePassed } from './processes.ts'
import { type Results, report } from './report.ts'
import { type Row, rows } from './rows.ts'
import { addFailure, addSample, noSamples, type Samples } from './samples.ts'
import { singles } from './single/index.ts'
import type { Finding } from './single/single.ts'
import { systems } from './systems/index.ts'
import { takeTurn } from './turn.ts'

const EXIT_INTERRUPTED = 130
const REPORT = join(import.meta.dirname, '../docs/PERFORMANCE.md')

async function main(): Promise<void> {
	const options = optionsOrExit()
	if (process.getuid?.() !== 0) return refuse('it drops the kernel\'s caches and mounts filesystems: run it as root')
	const interruption = new AbortController()
	const bench = await openBench(options, interruption.signal)
	const interrupted = async () => {
		interruption.abort()
		await bench.end() // which also ends what a child is waiting for
		process.exit(EXIT_INTERRUPTED)
	}
	process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
	try {
		publish(options, await measureAll(bench))
	} catch (error) {
		if (!bench.signal.aborted) throw error
	} finally {
		await bench.end()
	}
}

async function measureAll(bench: Bench): Promise<Results> {
	const started = new Date()
	const results: Results = {
		started,
		ended: started,
		rounds: bench.options.rounds,
		machine: await machineFacts(bench.directory, bench.options.directory),
		systems: new Map(),
		leftOut: new Map(),
		samples: noSamples(),
		findings: [],
	}
	for (const group of ['local', 'network'] as const) await measureGroup(bench, group, results)
	results.findings.push(...(await measureSingles(bench)))
	results.ended = new Date()
	return results
}

async function measureGroup(bench: Bench, group: 'local' | 'network', results: Results): Promise<void> {
	const wanted = rows.filter((row) => row.groups.includes(group) && isWanted(bench, row))
	if (wanted.length === 0) return
	const subjects = await startGroup(bench, group, results)
	for (let round = 0; round < bench.options.rounds; round++) {
		bench.say(`${group}: round ${round + 1} of ${bench.options.rounds}`)
		for (const row of wanted) await takeTurns(bench, row, { subjects, samples: results.samples })
	}
	for (const { stop } of subjects.values()) await stop()
}

interface Started {
	readonly subject: Subject
	stop(): Promise<void>
}

async function startGroup(bench: Bench, group: 'local' | 'network', results: Results): Promise<Map<string, Started>> {
	const subjects = new Map<string, Started>()
	for (const system of systems.filter((one) => one.group === group && isSelected(bench, one.name))) {
		try {
			const running = await system.start(bench, await bench.folder(system.name))
			subjects.set(system.name, { subject: subjectOf(system, running), stop: bench.atEnd(() => running.stop()) })
			results.systems.set(system.name, running.facts)
		} catch (error) {
			bench.signal.throwIfAborted()
			results.leftOut.set(system.name, (error as Error).message)
			bench.say(`${system.title} left out: ${(error as Error).message}`)
		}
	}
	return subjects
}

/** A system that hangs is ended and takes no further turns: the others go on. */
async function takeTurns(
	bench: Bench,
	row: Row,
	{ subjects, samples }: { subjects: Map<string, Started>; samples: Samples },
): Promise<void> {
	for (const [system, { subject, stop }] of subjects) {
		try {
			addSample(samples, { row: row.id, system, rate: await takeTurn(bench, row, subject) })
		} catch (error) {
			bench.signal.throwIfAborted()
			subject.work = undefined
			addSample(samples, { row: row.id, system, rate: undefined })
			addFailure(samples, { row: row.id, system, reason: (error as Error).message })
			bench.say(`${row.id} on ${system}: ${(error as Error).message}`)
			if (!(error instanceof DeadlinePassed)) continue
			subjects.delete(system)
			await stop()
		}
	}
}

async function measureSingles(bench: Bench): Promise<Finding[]> {
	const findings: Finding[] = []
	for (const single of singles.filter((one) => isWanted(bench, one) && isSelected(bench, one.system))) {
		bench.say(`${single.title}, ${single.system}`)
		try {
			findings.push(...(await single.measure(bench, await bench.folder(`${single.id}-${single.system}`))))
		} catch (error) {
			bench.signal.throwIfAborted()
			findings.push({ title: `${single.title}, ${single.system}`, value: `failed: ${(error as Error).message}`, target: '', met: false })
			bench.say(`${single.id}: ${(error as Error).message}`)
		}
	}
	return findings
}

function publish(options: Options, results: Results): void {
	const text = report(results)
	console.log(text)
	if (options.whole) writeReport(REPORT, text)
	if (options.json) writeFileSync(options.json, JSON.stringify(plain(results), null, '\t'))
}

function plain(results: Results): unknown {
	return {
		...results,
		systems: Object.fromEntries(results.systems),
		leftOut: Object.fromEntries(results.leftOut),
		samples: { rates: Object.fromEntries(results.samples.rates), failures: Object.fromEntries(results.samples.failures) },
	}
}

function isWanted(bench: Bench, what: { id: string; title: string }): boolean {
	return bench.options.rows.test(what.id) || bench.options.rows.test(what.title)
}

function isSelected(bench: Bench, system: string): boolean {
	return bench.options.systems.length === 0 || bench.options.systems.includes(system)
}

function optionsOrExit(): Options {
	try {
		return readOptions(process.argv.slice(2))
	} catch (error) {
		refuse(`${(error as Error).message}\n${USAGE}`)
	}
}

function refuse(reason: string): never {
	console.error(`bench: ${reason}`)
	process.exit(2)
}

await main()
