/** The ways to order the nodes a new copy may go to: best first. One policy per function, listed once. */
import type { Node } from '../nodes/node.ts'

export interface Choice {
	/** Nodes that may take the copy. */
	nodes: Node[]
	/** The zone of this machine. */
	zone: string
	/** Zones that already hold a copy of the file. */
	zonesTaken: ReadonlySet<string>
	/** Nodes known to have the parent directory, if the policy wants to know. */
	hasParent: (node: Node) => boolean
	random: () => number
}

export type Policy = (choice: Choice) => Node[]

const byFree = (a: Node, b: Node) => b.space.free - a.space.free

function mostFree({ nodes }: Choice): Node[] {
	return [...nodes].sort(byFree)
}

/**
 * Weighted by free space and the keeper's weight: over time nodes fill at the same rate. As many clocks as nodes, each
 * ringing at a rate that is its weight, and the first to ring comes first.
 */
function random({ nodes, random }: Choice): Node[] {
	// 1 - random() is never 0, whose logarithm is infinite.
	const rings = new Map(nodes.map((node) => [node, -Math.log(1 - random()) / Math.max(1, node.space.free * node.row.weight)]))
	return [...nodes].sort((a, b) => (rings.get(a) ?? 0) - (rings.get(b) ?? 0))
}

function localFirst({ nodes, zone }: Choice): Node[] {
	const rank = (node: Node) => (node.remote ? 0 : 2) + (node.row.zone === zone ? 1 : 0)
	return [...nodes].sort((a, b) => rank(b) - rank(a) || byFree(a, b))
}

/** Files of one directory stay together while there is room. */
function existingPath({ nodes, hasParent }: Choice): Node[] {
	return [...nodes].sort((a, b) => Number(hasParent(b)) - Number(hasParent(a)) || byFree(a, b))
}

function zoneSpread({ nodes, zonesTaken }: Choice): Node[] {
	const fresh = (node: Node) => Number(!zonesTaken.has(node.row.zone))
	return [...nodes].sort((a, b) => fresh(b) - fresh(a) || byFree(a, b))
}

export const POLICIES: Record<string, Policy> = {
	'most-free': mostFree,
	random,
	'local-first': localFirst,
	'existing-path': existingPath,
	'zone-spread': zoneSpread,
}
