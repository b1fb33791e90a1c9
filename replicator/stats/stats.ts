/** Keeping the figures of `core/stats/` up to date: what the journal told since the last run, and what was touched. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as changes from '../../core/catalogue/changes.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as settings from '../../core/catalogue/settings.ts'
import * as days from '../../core/catalogue/stat-days.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { type Op, wait } from '../../core/op.ts'
import { countNext, type Step } from '../../core/stats/count.ts'
import { countedOf, JOB, toPosition } from '../../core/stats/lines.ts'
import { startAnew } from '../../core/stats/roll-up.ts'
import { createBreath } from '../breath.ts'
import { isStillOurs, type Job, type Replicator, setPosition } from '../replicator.ts'

export const statsJob: Job = { what: JOB, ofTree: true, work: (replicator) => work(replicator, false) }

/** The same from nothing. */
export const rebuildJob: Job = { what: JOB, ofTree: true, work: (replicator) => work(replicator, true) }

/** Asked every second: four looks at an index. */
export async function isStatsDue({ catalogue }: Pick<Filesystem, 'catalogue'>): Promise<boolean> {
	const [[any], [anew], [last], [job]] = await catalogue.read(touched.anyQuery(), settings.findQuery(touched.ANEW), changes.lastQuery(), jobs.findQuery(JOB))
	if (any || anew) return true
	// A number that is missing may still come.
	return last.seq !== null && last.seq !== countedOf(job).low
}

async function work(replicator: Replicator, anew: boolean): Promise<void> {
	const { run } = replicator
	const breath = createBreath()
	if (anew || (await settings.find(replicator.fs.catalogue, touched.ANEW)) !== undefined) await step(replicator, (tx) => fromNothing(tx))
	for (;;) {
		const done = await step(replicator, (tx) => count(replicator, tx))
		for (let each = 0; each < (done?.files ?? 0); each++) run.done('counted', 0)
		if (!done || done.files + done.lines === 0 || run.signal.aborted) break
		await breath()
	}
	await step(replicator, function* (tx) {
		days.keepToday(tx, replicator.fs.capabilities)
	})
}

function* fromNothing(tx: Transaction): Op<void> {
	settings.remove(tx, touched.ANEW)
	startAnew(tx)
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
