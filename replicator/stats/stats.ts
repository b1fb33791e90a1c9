/** Keeping the figures of `core/stats/` up to date: what the journal told since the last run, and what was touched. */
import type { Driver, Query, Transaction } from '../../core/catalogue/driver.ts'
import * as changes from '../../core/catalogue/changes.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as settings from '../../core/catalogue/settings.ts'
import * as directories from '../../core/catalogue/stat-directories.ts'
import * as figures from '../../core/catalogue/stat-figures.ts'
import * as statFiles from '../../core/catalogue/stat-files.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { type Op, wait } from '../../core/op.ts'
import { countNext, type Step } from '../../core/stats/count.ts'
import { countedOf, JOB, toPosition } from '../../core/stats/lines.ts'
import { createBreath } from '../breath.ts'
import type { Summary } from '../run.ts'
import { isStillOurs, type Job, type Replicator, setPosition } from '../replicator.ts'

export const statsJob: Job = { what: JOB, ofTree: true, work: (replicator) => work(replicator, false) }

/** The same from nothing. */
export const rebuildJob: Job = { what: JOB, ofTree: true, work: (replicator) => work(replicator, true) }

/** A run is followed by this many times as long without one, up to a limit: what each run costs once is spread over more changes on a slow machine. */
const REST_TIMES = 60
const REST_SECONDS_MAX = 10

/** Asked every second: four looks at an index. */
export async function isStatsDue({ catalogue }: Pick<Filesystem, 'catalogue'>): Promise<boolean> {
	const { isBehind, restSeconds } = await lookAt(catalogue)
	return isBehind && restSeconds <= 0
}

export async function isBehind(catalogue: Driver): Promise<boolean> {
	return (await lookAt(catalogue)).isBehind
}

async function lookAt(catalogue: Driver): Promise<{ isBehind: boolean; restSeconds: number }> {
	const clock: Query = [`SELECT ${catalogue.capabilities.now} AS now`, []]
	const [[any], [anew], [last], [job], [{ now }]] = await catalogue.read(
		touched.anyQuery(), settings.findQuery(touched.ANEW), changes.lastQuery(), jobs.findQuery(JOB), clock,
	)
	// A number that is missing may still come.
	const isUncounted = last.seq !== null && last.seq !== countedOf(job).low
	return { isBehind: any !== undefined || anew !== undefined || isUncounted, restSeconds: job ? restAfter(job) - (now - job.ended) : 0 }
}

/** In whole seconds, as the database's clock tells them. */
function restAfter({ summary }: jobs.JobRow): number {
	const { seconds = 0 } = JSON.parse(summary) as Partial<Summary>
	return Math.min(REST_SECONDS_MAX, Math.ceil(seconds * REST_TIMES))
}

async function work(replicator: Replicator, anew: boolean): Promise<void> {
	const { run } = replicator
	const breath = createBreath()
	if (anew || (await settings.find(replicator.fs.catalogue, touched.ANEW)) !== undefined) await fromNothing(replicator)
	for (;;) {
		const done = await step(replicator, (tx) => count(replicator, tx))
		for (let each = 0; each < (done?.files ?? 0); each++) run.done('counted', 0)
		if (!done || done.isLast || run.signal.aborted) break
		await breath()
	}
}

interface Stretch {
	endQuery(after: number, limit: number): Query
	change(tx: Transaction, after: number, last: number): void
}

/** What was counted goes, and every file is to be counted. */
const ANEW: readonly Stretch[] = [
	{ endQuery: touched.endQuery, change: touched.removeBetween },
	{ endQuery: statFiles.endQuery, change: statFiles.removeBetween },
	{ endQuery: directories.endQuery, change: directories.removeBetween },
	{ endQuery: touched.endOfFilesQuery, change: touched.addBetween },
]
/** Others write meanwhile, and a database may not take longer for a transaction than it has. */
const ROWS_AT_ONCE = 10_000

/** Whoever comes next begins again, should this one not come to its end. */
async function fromNothing(replicator: Replicator): Promise<void> {
	const { catalogue, capabilities } = replicator.fs
	const breath = createBreath()
	await step(replicator, function* (tx) {
		settings.set(tx, touched.ANEW, '1', capabilities)
	})
	for (const { endQuery, change } of ANEW) {
		for (let after = 0; ; ) {
			const [[{ last }]] = (await catalogue.read(endQuery(after, ROWS_AT_ONCE))) as [[{ last: number | null }]]
			if (last === null) break
			const isOurs = await step(replicator, function* (tx) {
				change(tx, after, last)
				return true
			})
			if (!isOurs || replicator.run.signal.aborted) return
			after = last
			await breath()
		}
	}
	await step(replicator, function* (tx) {
		settings.remove(tx, touched.ANEW)
		figures.removeAll(tx)
	})
}

/** A transaction of the one who holds the lease; nothing where that is somebody else by now. */
async function step<T>(replicator: Replicator, body: (tx: Transaction) => Op<T>): Promise<T | undefined> {
	return await transact(replicator.fs, function* (tx) {
		return (yield* isStillOurs(replicator, tx)) ? yield* body(tx) : undefined
	})
}

function* count(replicator: Replicator, tx: Transaction): Op<Step> {
	const [[job]] = (yield* wait(tx.read(jobs.findQuery(JOB)))) as [jobs.JobRow[]]
	const done = yield* countNext(tx, countedOf(job), replicator.fs.capabilities)
	setPosition(replicator, tx, toPosition(done.counted))
	return done
}
