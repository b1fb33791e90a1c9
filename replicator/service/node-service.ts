/**
 * One node's work, for as long as a daemon looks after it: what its schedule says, what was missed, and copies as soon as they
 * are wanted. Each kind of work goes on beside the others, never twice at a time.
 */
import type { ScheduledTask } from 'node-cron'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { takesChanges } from '../../core/nodes/service.ts'
import { type Outcome, runJob } from '../replicator.ts'
import type { Summary, Watcher } from '../run.ts'
import { everyTime, previousDue } from './due.ts'
import type { JobFactory, JobName } from './jobs.ts'
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
	/** By its id: when its row changes, it is opened anew. */
	id: NodeId
	factories: Partial<Record<JobName, JobFactory>>
	show(job: JobName, node: Node): Shown
}

export interface NodeService {
	/** Called every second. */
	tick(): Promise<void>
	/** Something was changed by others: copies may be wanted now. */
	news(): void
	/** The configuration is another. */
	reschedule(): void
	/** Runs end at their next file; resolves when they have. */
	stop(): Promise<void>
}

const PAUSE = { firstMs: 2_000, mostMs: 60_000 }
const RETRY = { firstMs: 10_000, mostMs: 300_000 }

export function serveNode({ fs, id, factories, show }: NodeWork): NodeService {
	const names = Object.keys(factories) as JobName[]
	const stopping = new AbortController()
	const running = new Map<JobName, Promise<void>>()
	/** To be started when the node and the catalogue allow it. */
	const owed = new Set<JobName>()
	const retries = new Map<JobName, Pause>(names.map((name) => [name, createPause(RETRY)]))
	const copying = createPause(PAUSE)
	let tasks: ScheduledTask[] = []
	let isCaughtUp = false

	function start(name: JobName, node: Node): void {
		if (stopping.signal.aborted || running.has(name)) return
		owed.delete(name)
		running.set(name, run(name, node).finally(() => running.delete(name)))
	}

	async function run(name: JobName, node: Node): Promise<void> {
		const shown = show(name, node)
		const retry = retries.get(name) as Pause
		try {
			const factory = factories[name] as JobFactory
			const outcome = await runJob(fs, node, factory(), { signal: stopping.signal, watcher: shown.watcher })
			retry.end()
			ended(name, outcome, shown)
		} catch (error) {
			shown.failed(error as Error)
			owed.add(name)
			retry.longer()
		}
	}

	function ended(name: JobName, { summary, holder }: Outcome, shown: Shown): void {
		if (summary) shown.end(summary)
		else shown.elsewhere(holder)
		if (name !== 'replicate') return
		const didSomething = summary !== undefined && Object.keys(summary.outcomes).length > 0 && summary.troubles === 0
		if (didSomething) copying.end()
		else copying.longer()
	}

	async function catchUp(): Promise<void> {
		const rows = await Promise.all(names.map(async (name) => jobs.find(fs.catalogue, rowName(name))))
		const now = await clockOf(fs)
		for (const [index, name] of names.entries()) if (isMissed(fs.config.replicator.schedule[name], rows[index], now)) owed.add(name)
		isCaughtUp = true
	}

	function rowName(name: JobName): string {
		const { what, ofTree } = (factories[name] as JobFactory)()
		return jobs.jobName(what, ofTree ? undefined : id)
	}

	async function tick(): Promise<void> {
		const node = fs.nodes.get(id)
		if (stopping.signal.aborted || !node || !takesChanges(node)) return
		if (!isCaughtUp) await catchUp()
		for (const name of owed) if (retries.get(name)?.isOver()) start(name, node)
		if (factories.replicate === undefined || fs.config.replicator.schedule.replicate === '') return
		if (running.has('replicate') || owed.has('replicate') || !copying.isOver()) return
		if (await replicas.anyInState(fs.catalogue, id, REPLICA.wanted)) start('replicate', node)
	}

	function unschedule(): void {
		for (const task of tasks) void task.destroy()
		tasks = []
	}

	function reschedule(): void {
		unschedule()
		for (const name of names) {
			const expression = fs.config.replicator.schedule[name]
			if (expression !== '') tasks.push(everyTime(expression, () => void owed.add(name)))
		}
	}

	reschedule()
	return {
		tick,
		news: () => copying.end(),
		reschedule,
		async stop() {
			unschedule()
			stopping.abort()
			await Promise.all(running.values())
		},
	}
}

/** The database's clock and this machine's, at one moment. */
interface Clocks {
	database: number
	here: Date
}

async function clockOf({ catalogue, capabilities }: Filesystem): Promise<Clocks> {
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
