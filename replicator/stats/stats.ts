/** Keeping the figures of `core/stats/` up to date: what was touched since the last run, and the journal's lines by day. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as changes from '../../core/catalogue/changes.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as settings from '../../core/catalogue/settings.ts'
import * as days from '../../core/catalogue/stat-days.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { type Op, wait } from '../../core/op.ts'
import { type Counted, countActivity, NOTHING_COUNTED } from '../../core/stats/activity.ts'
import { ANEW } from '../../core/stats/bound.ts'
import { rollUp, startAnew } from '../../core/stats/roll-up.ts'
import { createBreath } from '../breath.ts'
import { isStillOurs, type Job, type Replicator, setPosition } from '../replicator.ts'

const NAME = 'stats'

export const statsJob: Job = { what: NAME, ofTree: true, work: (replicator) => work(replicator, false) }

/** The same from nothing. */
export const rebuildJob: Job = { what: NAME, ofTree: true, work: (replicator) => work(replicator, true) }

/** Asked every second: four looks at an index. */
export async function isStatsDue({ catalogue }: Pick<Filesystem, 'catalogue'>): Promise<boolean> {
	const [[any], [anew], [last], [job]] = await catalogue.read(touched.anyQuery(), settings.findQuery(ANEW), changes.lastQuery(), jobs.findQuery(NAME))
	if (any || anew) return true
	const { low, above } = countedOf(job)
	return last.seq !== null && last.seq !== low && last.seq !== above.at(-1)
}

async function work(replicator: Replicator, anew: boolean): Promise<void> {
	const { run } = replicator
	const breath = createBreath()
	if (anew || (await settings.find(replicator.fs.catalogue, ANEW)) !== undefined) await step(replicator, (tx) => fromNothing(tx))
	for (;;) {
		const many = await step(replicator, (tx) => rollUp(tx, replicator.fs.capabilities))
		for (let each = 0; each < many; each++) run.done('counted', 0)
		if (many === 0 || run.signal.aborted) break
		await breath()
	}
	while (!run.signal.aborted && (await step(replicator, (tx) => countJournal(replicator, tx))) > 0) await breath()
	await step(replicator, function* (tx) {
		days.keepToday(tx, replicator.fs.capabilities)
		return 0
	})
}

function* fromNothing(tx: Transaction): Op<number> {
	settings.remove(tx, ANEW)
	startAnew(tx)
	return 0
}

/** A transaction of the one who holds the lease; nothing where that is somebody else by now. */
async function step(replicator: Replicator, body: (tx: Transaction) => Op<number>): Promise<number> {
	return await transact(replicator.fs, function* (tx) {
		return (yield* isStillOurs(replicator, tx)) ? yield* body(tx) : 0
	})
}

function* countJournal(replicator: Replicator, tx: Transaction): Op<number> {
	const [[job]] = yield* wait(tx.read(jobs.findQuery(NAME)))
	const { counted, many } = yield* countActivity(tx, countedOf(job), replicator.fs.capabilities)
	setPosition(replicator, tx, Buffer.from(JSON.stringify(counted)))
	return many
}

function countedOf(job: jobs.JobRow | undefined): Counted {
	return job?.position ? (JSON.parse(Buffer.from(job.position).toString()) as Counted) : NOTHING_COUNTED
}
