/** What somebody has to look at, by name: the latest conflicts, and copies that are bad or in doubt. */
import type { ConflictRow } from '../catalogue/conflicts.ts'
import * as conflicts from '../catalogue/conflicts.ts'
import type { Driver } from '../catalogue/driver.ts'
import * as proofs from '../catalogue/proofs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import type { NodeId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { pathOf } from './paths.ts'

export interface Trouble {
	/** Newest first. */
	conflicts: ConflictRow[]
	bad: Array<{ node: NodeId; path: Path }>
}

export function* troubleByName(catalogue: Driver, nodes: readonly NodeId[], limit: number): Op<Trouble> {
	const bad: Trouble['bad'] = []
	for (const node of nodes) {
		if (bad.length === limit) break
		for (const { file_id } of yield* wait(proofs.ofState(catalogue, node, REPLICA.suspect, { after: 0, limit: limit - bad.length }))) {
			const path = yield* pathOf(catalogue, file_id)
			if (path) bad.push({ node, path })
		}
	}
	return { conflicts: yield* wait(conflicts.latest(catalogue, limit)), bad }
}
