/** Takes back what was asked for and is needed no more, after a drain or a rebalance was aborted. Costs what is being asked for. */
import * as jobs from '../../core/catalogue/jobs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { run as drive } from '../../core/op.ts'
import type { Run } from '../run.ts'
import { isRebalancing } from './activity.ts'
import { changesAnything, type Round } from './decide.ts'
import { readNodes } from './nodes.ts'
import { pagesOfNode } from './pages.ts'
import { sweep } from './sweep.ts'

/** False when it was stopped before its end: it begins anew the next time. */
export async function tidy(fs: Filesystem, run: Run): Promise<boolean> {
	const nodes = await drive(readNodes(fs))
	const round: Round = {
		fs,
		run,
		nodes,
		pendingMax: Number.POSITIVE_INFINITY,
		keepSpare: isRebalancing(await jobs.list(fs.catalogue)),
	}
	for (const id of nodes.keys()) {
		const ended = await sweep(round, {
			pages: pagesOfNode(fs, id, REPLICA.wanted, 0),
			each: (_, { plan, size }) => run.done(changesAnything(plan) ? 'taken back' : 'needed', size),
			turned: () => true,
		})
		if (!ended) return false
	}
	return true
}
