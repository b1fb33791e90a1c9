/** `cairn why` where no process of the installation runs on this machine that could be asked: catalogue and nodes are looked at from here. */
import * as classTable from '../core/catalogue/classes.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import * as nodeTable from '../core/catalogue/nodes.ts'
import type { Config } from '../core/config/types.ts'
import { askAll } from '../core/live/ask.ts'
import type { Path } from '../core/ids.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { run } from '../core/op.ts'
import { explain } from '../core/stats/explain.ts'
import type { Asker, Explanation } from '../core/stats/explanation.ts'
import { fileAt } from '../core/stats/paths.ts'
import { withCatalogueOf } from './catalogue.ts'
import { probeNode } from './node-probe.ts'

export function lookUp(path: Path, config: Config): Promise<Explanation | 'nothing there'> {
	return withCatalogueOf(config, async (driver) => {
		const id = await run(fileAt(driver, path))
		if (id === undefined) return 'nothing there'
		const [nodes, classes] = await driver.read(nodeTable.listQuery(), classTable.listQuery())
		return await run(explain(await lookAround(driver, config, nodes), id, classTable.withMatchers(classes)))
	})
}

/** Each node is looked at once, from here; since when one is away is known to those that use it. */
async function lookAround(driver: Driver, config: Config, rows: readonly NodeRow[]): Promise<Asker> {
	const probes = new Map(await Promise.all(rows.map(async (row) => [row.id, await probeNode(row, config.nodes[row.name]?.path ?? row.path)] as const)))
	const since = [...probes.values()].every(({ up }) => up) ? new Map<string, number>() : await awaySince(config)
	return {
		catalogue: driver,
		copyRates: config.replicator.copyRates,
		see(row) {
			const probe = probes.get(row.id)
			const { up = false, reason = 'unknown' } = probe ?? {}
			return { up, since: since.get(row.name), reason, capacityBytes: probe?.capacity ?? row.capacity, freeBytes: probe?.free ?? row.free }
		},
	}
}

/** By the name of the node, of the process that has missed it longest. */
async function awaySince({ catalogue }: Config): Promise<Map<string, number>> {
	const since = new Map<string, number>()
	for (const { families = [] } of await askAll(catalogue, 'metrics')) {
		const of = (name: string) => new Map(families.find((family) => family.name === name)?.samples.map(({ labels, value }) => [labels.node, value]))
		const moments = of('cairn_node_since_seconds')
		for (const [node, up] of of('cairn_node_up')) {
			const moment = moments.get(node)
			if (up === 0 && moment !== undefined) since.set(node, Math.min(moment, since.get(node) ?? moment))
		}
	}
	return since
}
