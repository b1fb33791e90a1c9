/** A surplus copy that somebody changed past the catalogue is no copy: nothing on a node that is not known is ever removed. */
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { type Op, wait } from '../../core/op.ts'
import { asidePath } from '../proof/aside.ts'
import type { Facts } from '../proof/facts.ts'
import { glance } from '../proof/sight.ts'

/** What stands at a name of a copy and, by its size and times, is not the file. */
export interface Stray {
	path: Path
	aside: Path
	stat: Stat
}

/** Of an older version nothing is known by which to tell. Version 0: after an old dump or a reindex nobody knows what lies there, and it may be newer. */
export function* straysAmong(node: Node, facts: Facts): Op<Stray[]> {
	const strays: Stray[] = []
	const version = facts.copies.find(({ node_id }) => node_id === node.id)?.version
	if (version !== facts.version && version !== 0) return strays
	for (const path of facts.paths) {
		if (yield* glance(node, path, facts)) continue
		const stat = yield* statIfThere(node, path)
		if (stat) strays.push({ path, aside: asidePath(path), stat })
	}
	return strays
}

function* statIfThere({ operations }: Node, path: Path): Op<Stat | undefined> {
	try {
		return yield* wait(operations.stat(path))
	} catch {
		return undefined
	}
}
