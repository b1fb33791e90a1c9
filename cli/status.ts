/** `cairn status`: nodes, clients, files and pending work. Answers at once also when a node hangs. */
import * as clients from '../core/catalogue/clients.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { type Totals, totals } from '../core/catalogue/totals.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { shownAddress, withCatalogue } from './catalogue.ts'
import { type Probe, probeNode } from './node-probe.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const status: Verb<Options> = (deps) => ({
	command: 'status',
	describe: 'nodes, clients, files and pending work',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export interface Status {
	catalogue: string
	nodes: NodeStatus[]
	clients: Array<{ id: number; host: string; pid: number; what: string; joined: number; silentSeconds: number }>
	files: number
	directories: number
	bytes: number
	writers: number
	pending: { wanted: number; intents: number }
}

/** Sizes in bytes, times in seconds since 1970. */
export interface NodeStatus extends Probe {
	id: number
	name: string
	path: string
	zone: string
	state: string
	since: number
	io: string
	seenAt: number
	/** Copies to be made or replaced here, and changes this node has yet to carry out. */
	wanted: number
	intents: number
}

export async function run(options: Options, deps: Deps): Promise<void> {
	const found = await collect(options, deps)
	if (options.json) return deps.print(JSON.stringify(found, null, 2))
	for (const line of toLines(found)) deps.print(line)
}

function collect(options: Common, deps: Deps): Promise<Status> {
	return withCatalogue(options, deps, async (driver, config) => {
		const rows = await nodes.list(driver)
		const pathOf = (row: NodeRow) => config.nodes[row.name]?.path ?? row.path
		const probes = Promise.all(rows.map((row) => probeNode(row, pathOf(row))))
		const running = await clients.list(driver, driver.capabilities)
		const all = await totals(driver)
		const probed = await probes
		return {
			catalogue: shownAddress(config.catalogue),
			nodes: rows.map((row, index) => toNode({ ...row, path: pathOf(row) }, probed[index], all)),
			clients: running.map(({ silent, id, host, pid, what, joined }) => ({ id, host, pid, what, joined, silentSeconds: silent })),
			files: all.files,
			directories: all.directories,
			bytes: all.bytes,
			writers: all.writers,
			pending: { wanted: sum(all.wanted), intents: sum(all.intents) },
		}
	})
}

function toNode(row: NodeRow, probe: Probe, all: Totals): NodeStatus {
	const { id, name, path, zone, state, since, io, seen_at: seenAt } = row
	return { id, name, path, zone, state, since, io, seenAt, ...probe, wanted: all.wanted.get(id) ?? 0, intents: all.intents.get(id) ?? 0 }
}

function sum(byNode: Map<unknown, number>): number {
	return [...byNode.values()].reduce((total, many) => total + many, 0)
}

function toLines(found: Status): string[] {
	const nowSeconds = Date.now() / 1000
	return [
		`catalogue ${found.catalogue}: ${found.files} files in ${found.directories} directories, ${showSize(found.bytes)}B`,
		`pending: ${found.pending.wanted} copies to make, ${found.pending.intents} changes to carry out, ${found.writers} open for writing`,
		'',
		...table(
			['NODE', 'STATE', 'SINCE', 'UP', 'FREE', 'OF', 'ZONE', 'WANTED', 'INTENTS', 'PATH'],
			found.nodes.map((node) => nodeCells(node, nowSeconds)),
		),
		'',
		...table(
			['CLIENT', 'HOST', 'PID', 'WHAT', 'FOR', 'SILENT'],
			found.clients.map((client) => [
				`${client.id}`, client.host, `${client.pid}`, client.what, showAge(nowSeconds - client.joined), showAge(client.silentSeconds),
			]),
		),
	]
}

function nodeCells(node: NodeStatus, nowSeconds: number): string[] {
	const up = node.up ? 'yes' : `no: ${node.reason}`
	const free = [showSize(node.free), showSize(node.capacity)]
	return [node.name, node.state, showAge(nowSeconds - node.since), up, ...free, node.zone || '-', `${node.wanted}`, `${node.intents}`, node.path]
}
