/**
 * The job that empties the trash by age. A clock that is wrong must not empty it early: age is reckoned by the catalogue's
 * clock as it was at the run before this one, so that nothing goes until two runs have found it old enough; and nothing goes
 * at all while this machine's clock says something else.
 */
import * as jobs from '../../core/catalogue/jobs.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { dayOf } from '../../core/filesystem/trash-paths.ts'
import { run as drive } from '../../core/op.ts'
import { treeTotal } from '../../core/stats/tree-total.ts'
import { type Job, type Replicator, setPosition } from '../replicator.ts'
import { isDueOn, purge } from './purge.ts'

const CLOCKS_APART_SECONDS_MAX = 86_400
/** One run removes at most this share of the tree's files, or this many, whichever is more. The rest is left to the next. */
const SHARE_MAX = 0.05
const FILES_ALWAYS = 100

export interface Clock {
	/** This machine's, in seconds since 1970. */
	here(): number
}

export function trash({ here }: Clock = { here: () => Date.now() / 1000 }): Job {
	return { what: 'trash', ofTree: true, work: (replicator) => work(replicator, here()) }
}

async function work(replicator: Replicator, here: number): Promise<void> {
	const { fs, run } = replicator
	const now = await databaseClock(fs)
	const before = await lastClock(replicator)
	await transact(fs, function* (tx) {
		setPosition(replicator, tx, Buffer.from(String(now)))
	})
	if (Math.abs(now - here) > CLOCKS_APART_SECONDS_MAX) {
		return run.trouble('.trash', `the clocks of the catalogue and of this machine are ${Math.round(Math.abs(now - here) / 3_600)} h apart: nothing is removed`)
	}
	if (before === undefined) return
	const day = dayOf(Math.min(before, now))
	const { files } = await drive(treeTotal(fs.catalogue))
	const filesMax = Math.max(FILES_ALWAYS, Math.floor(files * SHARE_MAX))
	const isDone = await purge(fs, run, { isDue: (kept) => isDueOn(fs, kept, day), filesMax })
	if (!isDone && !run.signal.aborted) run.note(`.trash: ${filesMax} files were removed, as many as one run may; the rest is left to the next one, or to: cairn trash empty`)
}

export async function databaseClock({ catalogue, capabilities }: Pick<Filesystem, 'catalogue' | 'capabilities'>): Promise<number> {
	const row = await catalogue.get<{ now: number }>(`SELECT ${capabilities.now} AS now`)
	if (!row) throw new Error('the catalogue does not tell the time')
	return row.now
}

/** What the catalogue's clock said at the last run. */
async function lastClock({ fs, name }: Replicator): Promise<number | undefined> {
	const row = await jobs.find(fs.catalogue, name)
	return row?.position ? Number(Buffer.from(row.position).toString()) : undefined
}
