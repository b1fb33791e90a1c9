/** One process at a time decides who holds what. */
import * as leases from '../../core/catalogue/leases.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { run as drive } from '../../core/op.ts'
import { RENEW_MS, renew, takeLease } from '../replicator.ts'
import type { Run } from '../run.ts'

export const LEASE = 'levelling'

/** Rounds of this process that are under way: a lease is the client's, and lets its own holder in twice. */
const underWay = new WeakSet<Filesystem>()

/** Who is at it instead, if the work was not done. Its run is stopped when the lease is lost. */
export async function withLease(fs: Filesystem, run: Run, work: (run: Run) => Promise<void>): Promise<string | undefined> {
	if (underWay.has(fs)) return 'this process'
	underWay.add(fs)
	try {
		const holder = await drive(takeLease(fs, LEASE))
		if (holder !== undefined) return holder
		await whileHeld(fs, run, work)
		return undefined
	} finally {
		underWay.delete(fs)
	}
}

async function whileHeld(fs: Filesystem, run: Run, work: (run: Run) => Promise<void>): Promise<void> {
	const lost = new AbortController()
	const renewal = setInterval(() => void renew(fs, LEASE, lost, run), RENEW_MS)
	try {
		await work({ ...run, signal: AbortSignal.any([run.signal, lost.signal]) })
	} finally {
		clearInterval(renewal)
		await transact(fs, function* (tx) {
			if (yield* leases.stillHeld(fs, tx, LEASE)) leases.drop(tx, LEASE)
		})
	}
}
