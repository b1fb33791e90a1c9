/** A surplus copy that somebody changed past the catalogue is no copy: nothing on a node that is not known is ever removed. */
import { codeOf } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { type Op, wait } from '../../core/op.ts'
import { asidePath } from '../proof/aside.ts'
import type { Facts } from '../proof/facts.ts'
import { look, MISSING } from '../proof/sight.ts'

/** Or what leads there is a symlink by now. */
const GONE = new Set([...MISSING, 'ELOOP'])

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
		const stat = yield* strayAt(node, path, facts)
		if (stat) strays.push({ path, aside: asidePath(path), stat })
	}
	return strays
}

/** Fails where the node does not show what is there: it may be right, and it may be anything. */
function* strayAt(node: Node, path: Path, facts: Facts): Op<Stat | undefined> {
	try {
		return (yield* look(node, path, facts)) ? undefined : yield* wait(node.operations.stat(path))
	} catch (error) {
		if (!GONE.has(codeOf(error))) throw error
		return undefined
	}
}
