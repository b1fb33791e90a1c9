/**
 * Where no replicator runs, nobody counts, and what is to be counted anew would grow for ever. Past a limit it is thrown away, as old
 * lines of the journal are, and whoever counts next begins from nothing: that costs the same by then. Not from under somebody who counts: of
 * a large tree that is as many to begin with, and he would never come to the end.
 */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import * as jobs from '../catalogue/jobs.ts'
import * as leases from '../catalogue/leases.ts'
import * as settings from '../catalogue/settings.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import { type Op, wait } from '../op.ts'
import { countedOf, JOB } from './lines.ts'

const WAITING_MAX = 2_000_000
/** Short transactions: others write meanwhile. */
const BATCH_ROWS = 10_000

/** How many rows went, about. */
export function* boundTouched(fs: Filesystem, waitingMax: number = WAITING_MAX): Op<number> {
	const [[{ first, last }]] = (yield* wait(fs.catalogue.read(touched.spanQuery()))) as [Array<{ first: number | null; last: number | null }>]
	if (first === null || last === null || last - first < waitingMax) return 0
	if ((yield* wait(leases.list(fs.catalogue, fs.capabilities))).some(({ name }) => name === JOB)) return 0
	yield* wait(
		transact(fs, function* (tx) {
			settings.set(tx, touched.ANEW, '1', fs.capabilities)
		}),
	)
	for (let id = first; id <= last; id += BATCH_ROWS) {
		yield* wait(
			transact(fs, function* (tx) {
				touched.removeUpTo(tx, Math.min(last, id + BATCH_ROWS - 1))
			}),
		)
	}
	return last - first + 1
}

/** For the transaction that removes lines of the journal up to a number. */
export function* linesGo(tx: Transaction, seq: number, capabilities: Capabilities): Op<void> {
	const job = yield* wait(jobs.find(tx, JOB))
	if (countedOf(job).low < seq) settings.set(tx, touched.ANEW, '1', capabilities)
}
