/** Takes back what was asked for and is needed no more, after a drain or a rebalance was aborted. Costs what is being asked for. */
import * as jobs from '../../core/catalogue/jobs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import type { Run } from '../run.ts'
import { isRebalancing } from './activity.ts'
import { changesAnything, type Round } from './decide.ts'
import { readNodes } from './nodes.ts'
import { pagesOfNode } from './pages.ts'
import { sweep } from './sweep.ts'

/**
 * Of all nodes what they have yet to make, and of those in `also` what they have: copies that arrived are too many now. False
 * when it was stopped before its end: it begins anew the next time.
 */
export async function tidy(fs: Filesystem, run: Run, also: readonly NodeId[] = []): Promise<boolean> {
	const nodes = await drive(readNodes(fs))
	const keepSpare = isRebalancing(await jobs.list(fs.catalogue))
	const round: Round = { fs, run, nodes, pendingMax: Number.POSITIVE_INFINITY, keepSpare }
	const toLook = [...[...nodes.keys()].map((id) => [id, REPLICA.wanted]), ...also.map((id) => [id, REPLICA.good])]
	for (const [id, state] of toLook) {
		const ended = await sweep(round, {
			pages: pagesOfNode(fs, id, state, 0),
			each: (_, { plan, size }) => run.done(changesAnything(plan) ? 'taken back' : 'settled', changesAnything(plan) ? size : 0),
			turned: () => true,
		})
		if (!ended) return false
	}
	return true
}
