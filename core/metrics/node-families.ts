/** The health of nodes as this process sees it. */
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { Node } from '../nodes/node.ts'
import { recentMs } from '../nodes/health.ts'
import { inService } from '../nodes/service.ts'
import { type Family, gaugeFamily } from './family.ts'

export function nodeFamilies({ nodes }: Pick<Filesystem, 'nodes'>): Family[] {
	const of = (value: (node: Node) => number) => [...nodes.values()].map((node): [Record<string, string>, number] => [{ node: node.name }, value(node)])
	const counted = (name: string, help: string, value: (node: Node) => number): Family => ({ ...gaugeFamily(name, help, of(value)), type: 'counter' })
	return [
		gaugeFamily('cairn_node_up', 'Whether the node is in service here: 1, or 0.', of((node) => Number(inService(node)))),
		gaugeFamily('cairn_node_since_seconds', 'When it came into service or went out of it, Unix time.', of(({ health }) => health.since)),
		gaugeFamily('cairn_node_latency_seconds', 'Smoothed time of its calls: those that ask, and those that change something.', [...nodes.values()].flatMap(latencies)),
		gaugeFamily('cairn_node_stuck_calls', 'Calls that went past their deadline and have not returned.', of(({ health }) => health.stuck)),
		gaugeFamily('cairn_node_capacity_bytes', 'Size of its filesystem.', of(({ space }) => space.capacity)),
		gaugeFamily('cairn_node_free_bytes', 'Free on its filesystem.', of(({ space }) => space.free)),
		counted('cairn_node_calls_total', 'Calls made on the node.', ({ health }) => health.calls),
		counted('cairn_node_failures_total', 'Calls whose failure speaks of the node.', ({ health }) => health.failures),
	]
}

/** What was not measured of late is left out. */
function latencies({ name: node, health }: Node): Array<[Record<string, string>, number]> {
	return (['read', 'write'] as const).flatMap((op) => {
		const ms = recentMs(health[op])
		return ms === undefined ? [] : [[{ node, op }, ms / 1000]]
	})
}
