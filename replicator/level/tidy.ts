/** Takes back what was asked for and is needed no more, after a drain or a rebalance was aborted. Costs what is being asked for. */
import * as jobs from '../../core/catalogue/jobs.ts'
import * as leases from '../../core/catalogue/leases.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import type { Run } from '../run.ts'
import { isRebalancing, passAgain } from './activity.ts'
import { changesAnything, type Round } from './decide.ts'
import { LEASE } from './lease.ts'
import { readNodes } from './nodes.ts'
import { pagesOfNode } from './pages.ts'
import { sweep } from './sweep.ts'

/**
 * Of all nodes what they have yet to make, and of those in `also` what they have: copies that arrived are too many now. What is
 * being written, or has to wait, is left to another pass. False when it was stopped before its end: it begins anew the next time.
 */
export async function tidy(fs: Filesystem, run: Run, also: readonly NodeId[] = []): Promise<boolean> {
	const nodes = await drive(readNodes(fs))
	const keepSpare = isRebalancing(await jobs.list(fs.catalogue))
	const round: Round = { fs, run, nodes, pendingMax: Number.POSITIVE_INFINITY, keepSpare }
	let isLeft = false
	const toLook = [...[...nodes.keys()].map((id) => [id, REPLICA.wanted]), ...also.map((id) => [id, REPLICA.good])]
	for (const [id, state] of toLook) {
		const ended = await sweep(round, {
			pages: pagesOfNode(fs, id, state, 0),
			each(_, { plan, size, busy }) {
				isLeft ||= busy || plan.waits
				run.done(changesAnything(plan) ? 'taken back' : 'settled', changesAnything(plan) ? size : 0)
			},
			turned: () => true,
		})
		if (!ended) return false
	}
	if (isLeft) {
		await transact(fs, function* (tx) {
			if (yield* leases.stillHeld(fs, tx, LEASE)) yield* passAgain(tx)
		})
	}
	return true
}
