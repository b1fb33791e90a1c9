/** What a job has to work with, and how it is entered: with its lease taken, its row in `job` begun and ended. */
import * as clients from '../core/catalogue/clients.ts'
import type { Transaction } from '../core/catalogue/driver.ts'
import * as jobs from '../core/catalogue/jobs.ts'
import * as leases from '../core/catalogue/leases.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { transact } from '../core/filesystem/filesystem.ts'
import { takeLease as take } from '../core/filesystem/clients.ts'
import { checkNodes } from '../core/filesystem/nodes.ts'
import { counter } from '../core/metrics/registry.ts'
import type { Node } from '../core/nodes/node.ts'
import { type Op, run as drive, wait } from '../core/op.ts'
import { type Run, type Summary, startRun, type Watcher } from './run.ts'

export interface Replicator {
	readonly fs: Filesystem
	/** The node whose tree is looked after. */
	readonly node: Node
	readonly run: Run
	/** Of this job on this node: the name of its lease and of its row in `job`. */
	readonly name: string
}

/** Undefined: another process is at it. */
export interface Outcome {
	summary: Summary | undefined
	/** Who holds the lease, for people, when nothing was done. */
	holder: string
}

export interface Job {
	/** walk, replicate, verify, ... */
	what: string
	/** One at a time for the whole tree, on whichever node it is started. */
	ofTree?: boolean
	work(replicator: Replicator): Promise<void>
}

const runs = counter('cairn_job_runs_total', 'Runs of replicators by kind of work and how they ended.', ['job', 'result'])
const files = counter('cairn_job_files_total', 'Files that runs dealt with, by what became of each.', ['job', 'outcome'])
const bytes = counter('cairn_job_bytes_total', 'Bytes that runs dealt with.', ['job'])
const seconds = counter('cairn_job_seconds_total', 'Time that runs took.', ['job'])

const LEASE_SECONDS = 60
export const RENEW_MS = 15_000

/**
 * Runs a job for a node, unless another process is at it. The job's lease is renewed while it runs; when it is lost (this
 * process stood still for long and another took over) the run is stopped.
 */
export async function runJob(fs: Filesystem, node: Node, job: Job, { signal, watcher }: { signal: AbortSignal; watcher?: Watcher }): Promise<Outcome> {
	const name = jobs.jobName(job.what, job.ofTree ? undefined : node.id)
	const holder = await drive(takeLease(fs, name))
	if (holder !== undefined) return { summary: undefined, holder }
	const lost = new AbortController()
	const run = startRun(AbortSignal.any([signal, lost.signal]), watcher)
	const renewal = setInterval(() => void renew(fs, name, lost, run), RENEW_MS)
	try {
		await transact(fs, function* (tx) {
			jobs.begin(tx, name, fs.capabilities)
		})
		await job.work({ fs, node, run, name })
		await finish(fs, name, run.summary())
	} catch (error) {
		await finish(fs, name, run.summary(), error as Error)
		throw error
	} finally {
		clearInterval(renewal)
	}
	return { summary: run.summary(), holder: '' }
}

/** For transactions that a process which stood still for long must not make any more, nor one whose node was taken away. */
export function* isStillOurs({ fs, name, node }: Replicator, tx: Transaction): Op<boolean> {
	const isHeld = yield* leases.stillHeld(fs, tx, name)
	yield* checkNodes(fs, tx)
	return isHeld && node.row.state !== 'dead'
}

/** Where a run that is stopped goes on. */
export function setPosition({ name }: Replicator, tx: Transaction, position: Uint8Array | null): void {
	jobs.setPosition(tx, name, position)
}

/** Undefined when it is ours now, else who has it. */
export function* takeLease(fs: Filesystem, name: string): Op<string | undefined> {
	if (yield* take(fs, name, LEASE_SECONDS)) return undefined
	const id = yield* leases.holderOf(fs, name)
	// It ended in this moment.
	if (id === undefined) return yield* takeLease(fs, name)
	const row = yield* wait(clients.get(fs.catalogue, id, fs.capabilities))
	return row ? `${row.what}, process ${row.pid} on ${row.host}` : `client ${id}`
}

/** Of a lease that is held: `lost` once another process has it. */
export async function renew(fs: Filesystem, name: string, lost: AbortController, run: Run): Promise<void> {
	try {
		if ((await drive(takeLease(fs, name))) === undefined) return
		run.note(`${name}: another process has taken over`)
		lost.abort()
	} catch (error) {
		// The catalogue is away: the lease lasts a while, and every transaction that matters asks for it.
		run.note(`${name}: ${(error as Error).message}`)
	}
}

function count(job: string, { outcomes, troubles, bytes: many, seconds: took }: Summary, result: string): void {
	runs.add(1, job, result)
	for (const [outcome, each] of Object.entries({ ...outcomes, left: troubles })) if (each > 0) files.add(each, job, outcome)
	bytes.add(many, job)
	seconds.add(took, job)
}

async function finish(fs: Filesystem, name: string, summary: Summary, error?: Error): Promise<void> {
	const text = JSON.stringify(error ? { ...summary, error: error.message } : summary)
	const state = error ? 'failed' : summary.stopped ? 'paused' : 'done'
	count(name.split(':')[0], summary, state)
	await transact(fs, function* (tx) {
		if (!(yield* leases.stillHeld(fs, tx, name))) return
		jobs.end(tx, name, { state, summary: text }, fs.capabilities)
		leases.drop(tx, name)
	})
}
