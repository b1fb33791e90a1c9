/**
 * One node's work, or the tree's, for as long as a daemon looks after it: what its schedule says, what was missed, and what is begun as soon
 * as there is any. Each kind of work goes on beside the others, never twice at a time.
 */
import * as jobs from '../../core/catalogue/jobs.ts'
import type { ScheduleConfig } from '../../core/config/types.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Outcome, runJob } from '../replicator.ts'
import type { Summary, Watcher } from '../run.ts'
import { openSchedule, previousDue, type Schedule } from './due.ts'
import type { JobName, Kind, Kinds } from './jobs.ts'
import { createPause, type Pause } from './pause.ts'

/** How a run is shown. */
export interface Shown {
	watcher: Watcher
	end(summary: Summary): void
	elsewhere(holder: string): void
	failed(error: Error): void
}

export interface NodeWork {
	fs: Filesystem
	/** The node as it is now, which is opened anew when its row changes; undefined while it takes no changes. */
	pick(): Node | undefined
	kinds: Kinds
	/** Large work that goes on in this process, for whichever node. */
	large: Set<JobName>
	show(job: JobName, node: Node): Shown
}

export interface NodeService {
	/** Called every second. */
	tick(): Promise<void>
	/** Files were written, or nodes changed: what could not be done may be possible now. */
	news(): void
	/** The configuration is another. */
	reschedule(): void
	/** Runs end at their next file; resolves when they have. */
	stop(): Promise<void>
}

const RETRY = { firstMs: 10_000, mostMs: 300_000 }

interface Work {
	name: JobName
	kind: Kind
	/** Set while it runs. */
	running: Promise<void> | undefined
	/** Undefined: never. */
	schedule: Schedule | undefined
	/** To be started when the node and the catalogue allow it. */
	isOwed: boolean
	/** After a failure. */
	retry: Pause
	/** After a run that could do nothing, of work that is begun when there is any. */
	idle: Pause
}

export function serveNode({ fs, pick, kinds, large, show }: NodeWork): NodeService {
	const works = Object.entries(kinds).map(([name, kind]) => newWork(name as JobName, kind))
	const stopping = new AbortController()
	let isCaughtUp = false

	function start(work: Work, node: Node): void {
		const wasOwed = work.isOwed
		work.isOwed = false
		if (work.kind.isLarge) large.add(work.name)
		work.running = run(work, node, wasOwed).finally(() => {
			work.running = undefined
			if (work.kind.isLarge) large.delete(work.name)
		})
	}

	async function run(work: Work, node: Node, wasOwed: boolean): Promise<void> {
		const shown = work.kind.isSilent ? silently(() => show(work.name, node)) : show(work.name, node)
		try {
			const outcome = await runJob(fs, node, work.kind.make(fs), { signal: stopping.signal, watcher: shown.watcher })
			if (outcome.summary) shown.end(outcome.summary)
			else shown.elsewhere(outcome.holder)
			work.retry.end()
			// Begun by the clock it may have found nothing because there was nothing: what comes in a moment need not wait.
			if (didAll(outcome) || (wasOwed && sawNothing(outcome))) work.idle.end()
			else work.idle.longer()
		} catch (error) {
			shown.failed(error as Error)
			work.isOwed = true
			work.retry.longer()
		}
	}

	async function catchUp(id: NodeId): Promise<void> {
		const clocks = await clocksOf(fs)
		for (const work of works) {
			const { what, ofTree } = work.kind.make(fs)
			const row = await jobs.find(fs.catalogue, jobs.jobName(what, ofTree ? undefined : id))
			work.isOwed ||= isMissed(expressionOf(fs, work.name), row, clocks)
		}
		isCaughtUp = true
	}

	async function tick(): Promise<void> {
		const node = pick()
		if (!node) return
		if (!isCaughtUp) await catchUp(node.id)
		for (const work of works) {
			if (work.schedule?.isDue()) work.isOwed = true
			if (work.running || large.has(work.name) || !(await isToStart(work, node.id))) continue
			if (!stopping.signal.aborted) start(work, node)
		}
	}

	async function isToStart({ isOwed, retry, idle, kind }: Work, id: NodeId): Promise<boolean> {
		if (isOwed || !kind.isDue) return isOwed && retry.isOver()
		return idle.isOver() && (await kind.isDue(fs, id))
	}

	function reschedule(): void {
		for (const work of works) {
			const expression = expressionOf(fs, work.name)
			work.schedule = expression === '' ? undefined : openSchedule(expression)
		}
	}

	reschedule()
	return {
		tick,
		news() {
			for (const work of works) if (work.kind.isWoken) work.idle.end()
		},
		reschedule,
		async stop() {
			stopping.abort()
			await Promise.all(works.map((work) => work.running))
		},
	}
}

function newWork(name: JobName, kind: Kind): Work {
	return { name, kind, schedule: undefined, running: undefined, isOwed: false, retry: createPause(RETRY), idle: createPause(kind.pause ?? RETRY) }
}

/** Only a failure is shown. */
function silently(show: () => Shown): Shown {
	return { watcher: {}, end: () => undefined, elsewhere: () => undefined, failed: (error) => show().failed(error) }
}

/** Nothing is left that it could not do. */
function didAll({ summary }: Outcome): boolean {
	return summary !== undefined && summary.troubles === 0 && Object.keys(summary.outcomes).length > 0
}

function sawNothing({ summary }: Outcome): boolean {
	return summary !== undefined && summary.troubles === 0 && Object.keys(summary.outcomes).length === 0
}

function expressionOf({ config }: Filesystem, name: JobName): string {
	return (config.replicator.schedule as Partial<ScheduleConfig>)[name as keyof ScheduleConfig] ?? ''
}

/** The database's clock and this machine's, at one moment. */
interface Clocks {
	database: number
	here: Date
}

async function clocksOf({ catalogue, capabilities }: Filesystem): Promise<Clocks> {
	const row = await catalogue.get<{ now: number }>(`SELECT ${capabilities.now} AS now`)
	const here = new Date()
	return { database: row?.now ?? here.getTime() / 1000, here }
}

/** It was due when nobody ran it, or its last run did not come to its end. */
export function isMissed(expression: string, row: jobs.JobRow | undefined, { database, here }: Clocks): boolean {
	if (expression === '') return false
	if (row && row.state !== 'done') return true
	const due = previousDue(expression, here)
	if (!due) return false
	const sinceSeconds = (here.getTime() - due.getTime()) / 1000
	return row === undefined || row.started < database - sinceSeconds
}
