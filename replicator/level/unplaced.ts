/** Why a file cannot leave a node, in words. */
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { NodeId } from '../../core/ids.ts'
import type { LevelNode } from './nodes.ts'
import type { Plan, Rule } from './plan.ts'

export function isUnplaced(plan: Plan): boolean {
	return plan.waits && (plan.missing > 0 || plan.fewerZones || (plan.away && plan.add.length === 0)) && !plan.deferred
}

interface Found {
	size: number
	plan: Plan
	copies: readonly ReplicaRow[]
}

export function whyUnplaced(
	{ copies: asked, zones }: Rule,
	{ size, plan, copies }: Found,
	nodes: ReadonlyMap<NodeId, LevelNode>,
): string {
	if (plan.missing === 0 && plan.away) return 'a copy that would do is on a node that is away'
	if (plan.missing === 0) return `its class asks for ${zones} zones, and without this node there are fewer`
	const takers = [...nodes.values()].filter(({ role }) => role === 'takes')
	const others = takers.filter(({ id }) => !copies.some(({ node_id }) => node_id === id))
	if (others.length > 0) return `no other node has room for its ${size} bytes beyond the reserve`
	return `its class asks for ${asked} ${asked === 1 ? 'copy' : 'copies'}, and there is no other node that takes one`
}
