/** `cairn status`: nodes, clients, files, pending work and what replicators did last. Answers at once also when a node hangs. */
import * as classTable from '../core/catalogue/classes.ts'
import { type ClassRow, isRetired } from '../core/catalogue/classes.ts'
import * as clients from '../core/catalogue/clients.ts'
import * as jobs from '../core/catalogue/jobs.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import * as settings from '../core/catalogue/settings.ts'
import { type Totals, totals } from '../core/catalogue/totals.ts'
import { owedOffsite } from '../core/off-site/owed.ts'
import { type SiteStanding, standingOf } from '../core/off-site/standing.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { run as drive } from '../core/op.ts'
import { PASS, shortIn, WITHOUT_ROOM } from '../core/stats/owed.ts'
import { treeTotal } from '../core/stats/tree-total.ts'
import { isPassDue, signatureOf } from '../replicator/level/pass-due.ts'
import { shownAddress, withCatalogue } from './catalogue.ts'
import { type Probe, probeNode } from './node-probe.ts'
import { type JobStatus, serviceStatus } from './replicator-status.ts'
import { tooFarGoing } from './sites-wanted.ts'
import { toLines } from './status-lines.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const status: Verb<Options> = (deps) => ({
	command: 'status',
	describe: 'nodes, clients, files, pending work and what was done last',
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
	pending: Owed
	/** Classes that ask for more copies than there are nodes to hold one. */
	classesShort: string[]
	/** Nothing is pending: every file has the copies its class asks for. */
	nothingOwed: boolean
	/** Nodes declared dead, until replicators have looked at every file without them. */
	deadCounted: string[]
	/** Files were written, since that was looked at last, for whose copies no node had room. */
	withoutRoom: boolean
	/** Copies at sites that classes ask for and nobody has yet. */
	offsiteOwed: number
	/** Classes that ask for more copies off-site than there are sites that take their files. */
	classesShortOffsite: string[]
	sites: SiteStanding[]
	conflicts: number
	/** What replicators did last. */
	jobs: JobStatus[]
}

export interface Owed {
	/** Copies to be made or replaced, and to be removed because there are more than asked for. */
	wanted: number
	surplus: number
	/** Copies that turned out bad or are in doubt. */
	suspect: number
	/** Changes nodes have yet to carry out. */
	intents: number
	/** Files for which there were too few nodes, when that was looked at last. */
	short: number
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
	/** Of the copies here, as in `pending`. */
	wanted: number
	surplus: number
	suspect: number
	intents: number
	conflicts: number
	/** A replicator looks after it. */
	lookedAfter: boolean
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
		const tree = await drive(treeTotal(driver))
		const service = await serviceStatus(driver, config.replicator.schedule)
		const classes = await classTable.list(driver)
		const passed = await jobs.find(driver, PASS)
		const pending = toOwed(all, shortIn(passed))
		const withoutRoom = (await settings.find(driver, WITHOUT_ROOM)) !== undefined
		const classesShort = tooGreedy(classes, rows)
		const deadCounted = isPassDue(passed, signatureOf(classes, rows), false) ? rows.filter((row) => row.state === 'dead').map((row) => row.name) : []
		const probed = await probes
		const sites = await standingOf(driver)
		const lookedAfter = new Set(service.nodes.filter((node) => node.lookedAfter).map((node) => node.name))
		return {
			catalogue: shownAddress(config.catalogue),
			nodes: rows.map((row, index) => toNode({ ...row, path: pathOf(row) }, probed[index], all, lookedAfter)),
			clients: running.map(({ silent, id, host, pid, what, joined }) => ({ id, host, pid, what, joined, silentSeconds: silent })),
			files: tree.files,
			directories: tree.directories,
			bytes: tree.bytes,
			writers: all.writers,
			pending,
			classesShort,
			nothingOwed: !withoutRoom && Object.values(pending).every((many) => many === 0) && ((classesShort.length === 0 && deadCounted.length === 0) || tree.files === 0),
			deadCounted,
			withoutRoom,
			offsiteOwed: await owedOffsite(driver, classes),
			classesShortOffsite: tooFarGoing(classes, sites).map(({ name }) => name),
			sites,
			conflicts: sum(all.conflicts),
			jobs: service.jobs,
		}
	})
}

function toOwed({ wanted, surplus, suspect, intents }: Totals, short: number): Owed {
	return { wanted: sum(wanted), surplus: sum(surplus), suspect: sum(suspect), intents: sum(intents), short }
}

function tooGreedy(classes: readonly ClassRow[], rows: readonly NodeRow[]): string[] {
	const holders = rows.filter((row) => row.state !== 'dead' && row.state !== 'drain').length
	return classes.filter((rule) => !isRetired(rule) && rule.copies > holders).map((rule) => rule.name)
}

function toNode(row: NodeRow, probe: Probe, all: Totals, lookedAfter: ReadonlySet<string>): NodeStatus {
	const { id, name, path, zone, state, since, io, seen_at: seenAt } = row
	const of = (byNode: Map<number, number>) => byNode.get(id) ?? 0
	const counts = { wanted: of(all.wanted), surplus: of(all.surplus), suspect: of(all.suspect), intents: of(all.intents), conflicts: of(all.conflicts) }
	return { id, name, path, zone, state, since, io, seenAt, ...probe, ...counts, lookedAfter: lookedAfter.has(name) }
}

function sum(byNode: Map<unknown, number>): number {
	return [...byNode.values()].reduce((total, many) => total + many, 0)
}
