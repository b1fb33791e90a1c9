/** Each node from here: whether it answers, is the one it should be, and has room. */
import type { Driver } from '../../core/catalogue/driver.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import type { Config } from '../../core/config/types.ts'
import type { NodeRow } from '../../core/nodes/node.ts'
import { reserveBytes } from '../../core/placement/placement.ts'
import type { Overview } from '../../core/stats/overview.ts'
import { type Probe, probeNode } from '../node-probe.ts'
import { showSize } from '../sizes.ts'
import { many } from '../many.ts'
import { type Finding, found } from './finding.ts'

const RETIRED = new Set(['dead', 'down'])

export async function checkNodes(driver: Driver, config: Config, { nodes }: Overview): Promise<Finding[]> {
	const rows = await nodeTable.list(driver)
	if (rows.length === 0) return [found('nodes', 'wrong', 'there are none', 'cairn node add NAME PATH')]
	const looked = await Promise.all(
		rows.map(async (row) => {
			const path = config.nodes[row.name]?.path ?? row.path
			return { row, path, probe: await probeNode(row, path) }
		}),
	)
	const waiting = nodes.filter(({ intents, state }) => intents > 0 && state !== 'dead')
	return [
		...looked.flatMap(({ row, path, probe }) => checkNode(row, path, probe)),
		...checkTakers(looked),
		...checkDisks(looked),
		...checkNames(rows, config),
		...waiting.map(({ name, intents }) => found(`node ${name}`, 'doubtful', `${many(intents, 'change is', 'changes are')} still to be carried out there`, 'that happens when it answers and somebody mounts or replicates')),
	]
}

function checkTakers(looked: ReadonlyArray<{ row: NodeRow; probe: Probe }>): Finding[] {
	if (looked.some(({ row, probe }) => row.state === 'rw' && probe.up)) return []
	return [found('nodes', 'wrong', 'none takes new files: to create one is EIO', 'cairn node set NAME --state rw, or another node')]
}

/** What is said of a node whose name is mistyped holds for none. */
function checkNames(rows: readonly NodeRow[], { nodes, api }: Config): Finding[] {
	const known = rows.map(({ name }) => name)
	const said = [...Object.keys(nodes).map((name) => ['nodes', name]), ...Object.keys(api.doors).map((name) => ['api.doors', name])]
	return said
		.filter(([, name]) => !known.includes(name))
		.map(([key, name]) => found('configuration', 'doubtful', `${key}.${name}: there is no node of that name`, `nodes are: ${known.join(', ')}`))
}

/** A zone says what can be lost at once: where it says so of them, classes can ask for copies elsewhere. */
function checkDisks(looked: ReadonlyArray<{ row: NodeRow; probe: Probe }>): Finding[] {
	const used = looked.filter(({ row, probe }) => probe.up && !RETIRED.has(row.state))
	return [...Map.groupBy(used, ({ probe }) => probe.disk).values()].flatMap((group) => {
		const zones = new Set(group.map(({ row }) => row.zone))
		if (group.length === 1 || (zones.size === 1 && !zones.has(''))) return []
		const names = group.map(({ row }) => row.name).join(', ')
		return [found('disks', 'doubtful', `${names} are on one disk: who loses it loses all copies on them`, 'a node for each disk; or one zone for these (cairn node set NAME --zone ZONE), and classes with zones: 2')]
	})
}

function checkNode(row: NodeRow, path: string, probe: Probe): Finding[] {
	const what = `node ${row.name}`
	if (RETIRED.has(row.state)) return [found(what, 'well', `is ${row.state}, as its keeper said`)]
	if (!probe.up) {
		return [found(what, 'wrong', probe.reason, `is ${path} mounted, is its server up? Elsewhere on this machine: nodes.${row.name}.path; lost for good: cairn node replace`)]
	}
	if (probe.reason) return [found(what, 'wrong', probe.reason, `what does the kernel's log say of it? If that is as it should be: cairn node set ${row.name} --state ro`)]
	const kept = reserveBytes({ row, space: { capacity: probe.capacity } })
	if (probe.free <= kept) return [found(what, 'doubtful', `${showSize(probe.free)} free, ${showSize(kept)} kept free: it takes nothing new`, 'cairn rebalance, or another node')]
	return [found(what, 'well', `${path} answers and is the one it should be; ${showSize(probe.free)} of ${showSize(probe.capacity)} free`)]
}
