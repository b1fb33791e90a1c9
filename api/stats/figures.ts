/** The first page's figures: what the catalogue counted, and how the nodes are reached from here. */
import * as stats from '../../core/stats/overview.ts'
import { type Day, dailyFigures } from '../../core/stats/days.ts'
import type { NodeFigures } from '../../core/stats/nodes.ts'
import { proofFigures } from '../../core/stats/proofs.ts'
import { troubleByName } from '../../core/stats/trouble.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { isRetired } from '../../core/catalogue/classes.ts'
import type { Answer } from '../../core/live/ask.ts'
import { type Latencies, latenciesOf } from '../../core/live/latencies.ts'
import { nodeFamilies } from '../../core/metrics/node-families.ts'
import type { Node } from '../../core/nodes/node.ts'
import * as records from '../../core/catalogue/site-records.ts'
import * as siteTable from '../../core/catalogue/sites.ts'
import type { SiteRow } from '../../core/catalogue/sites.ts'
import { localDay } from '../../core/off-site/rates.ts'
import { readSettings } from '../../core/off-site/site-settings.ts'
import { type Op, run, wait } from '../../core/op.ts'
import type { ClassShown, DayShown, NodeShown, Overview, OwedShown, SiteShown } from '../web/shown.ts'

const DAYS = 3 * 366
const PROOF_DAYS = 30
const NAMED_MAX = 10

/** `others` is what other processes of this machine say of the nodes. */
export async function takeFigures(fs: Filesystem, others: readonly Answer[], days: readonly Day[]): Promise<Overview> {
	return await run(figures(fs, latenciesOf([{ families: nodeFamilies(fs) }, ...others]), days))
}

/** Of the last years. Much to read, of which only today's changes. */
export async function takeDays({ catalogue }: Filesystem): Promise<Day[]> {
	return await run(dailyFigures(catalogue, { days: DAYS }))
}

function* figures(fs: Filesystem, latencies: ReadonlyMap<string, Latencies>, days: readonly Day[]): Op<Overview> {
	const { catalogue } = fs
	const found = yield* stats.overview(catalogue)
	const ids = found.nodes.map(({ id }) => id)
	const trouble = yield* troubleByName(catalogue, ids, NAMED_MAX)
	const sentToday = yield* wait(records.ofDay(catalogue, localDay()))
	const nameOf = (id: number) => found.nodes.find((node) => node.id === id)?.name ?? `#${id}`
	const rows = found.copies.flatMap(({ goal, rows }) => rows.map((row) => ({ ...row, goal })))
	const files = (kept: (row: (typeof rows)[number]) => boolean) => rows.filter(kept).reduce((sum, row) => sum + row.files, 0)
	const ofSites = Map.groupBy(found.offsite, ({ site }) => site)
	return {
		at: found.at,
		behind: found.behind,
		files: files(() => true),
		directories: found.tree.directories,
		bytes: found.tree.bytes,
		complete: files(({ copies, goal }) => copies >= goal),
		unreadable: files(({ copies }) => copies === 0),
		nodes: found.nodes.map((node) => toNode(node, fs.nodes.get(node.id), latencies.get(node.name))),
		classes: found.copies.map(toClass),
		sites: (yield* wait(siteTable.list(catalogue, catalogue.capabilities))).map((site) => toSite(site, ofSites.get(site.name) ?? [], sentToday)),
		days: days.map(toDay),
		owed: toOwed(found, fs),
		trouble: {
			conflicts: found.conflicts,
			latestConflicts: trouble.conflicts.map((row) => ({ id: row.id, node: nameOf(row.node_id), path: row.path, reason: row.reason, size: row.size, found: row.found })),
			bad: found.bad.files,
			badExamples: trouble.bad.map(({ node, path }) => ({ node: nameOf(node), path })),
			failures: found.failures.map(({ job, node, at, error }) => ({ at, what: node === undefined ? job : `${job} on ${node}`, text: error })),
		},
		clients: found.clients,
		volumes: [],
		proofs: yield* proofFigures(catalogue, ids, PROOF_DAYS),
	}
}

/** What the keeper said of it comes from the catalogue, whether it answers from this process. */
function toNode(figures: NodeFigures, node: Node | undefined, latencies: Latencies = {}): NodeShown {
	const { name, zone, state, since, good, surplus, wanted, intents, lookedAfter, lastRun, reserveBytes } = figures
	const health = node?.health
	const space = node?.health.up && node.space.capacity > 0 ? node.space : { capacity: figures.capacityBytes, free: figures.freeBytes }
	return {
		name,
		zone,
		state,
		stateSince: since,
		up: health?.up ?? false,
		upSince: health?.since ?? since,
		reason: health?.up === false ? health.reason : '',
		capacity: space.capacity,
		free: space.free,
		disk: node?.space.disk ?? 0,
		reserve: reserveBytes,
		files: good.files + surplus.files,
		bytes: good.bytes + surplus.bytes,
		...latencies,
		failures: health?.failures ?? 0,
		stuck: health?.stuck ?? 0,
		wanted: wanted.files,
		intents,
		lookedAfter,
		lastRun,
	}
}

function toClass({ class: name, goal, zones, offsite, rows }: stats.Overview['copies'][number]): ClassShown {
	return { name, copies: goal, zones, offsite, rows: rows.map(({ copies, files, bytes, example }) => ({ copies, files, bytes, example: example?.path })) }
}

function toSite(row: SiteRow, own: stats.Overview['offsite'], sentToday: ReadonlyArray<{ site_id: number; bytes: number }>): SiteShown {
	const sum = (of: 'wanted' | 'claimed' | 'proved') => own.reduce((total, figures) => total + figures[of].files, 0)
	return {
		name: row.name,
		claimed: sum('claimed'),
		proved: sum('proved'),
		oldestProof: own[0]?.oldestProof ?? undefined,
		lastSeen: row.seen_at > 0 ? row.seen_at : undefined,
		bytesToday: sentToday.find(({ site_id }) => site_id === row.id)?.bytes ?? 0,
		budgetBytes: readSettings(row).bytesPerDay ?? 0,
		waiting: Math.max(0, sum('wanted') - sum('claimed')),
	}
}

const MADE = ['create', 'mkdir', 'link']
const CHANGED = ['publish', 'attributes', 'xattr', 'rename', 'renamedir', 'exchange']
const REMOVED = ['unlink', 'rmdir']

function toDay({ day, files, bytes, changes }: Day): DayShown {
	const sum = (ops: readonly string[]) => ops.reduce((total, op) => total + (changes[op] ?? 0), 0)
	return { day, files, bytes, created: sum(MADE), changed: sum(CHANGED), removed: sum(REMOVED) }
}

function toOwed({ owed, nodes, awaitingOffsite, short }: stats.Overview, { classes }: Filesystem): OwedShown {
	const total = (kind: stats.Overview['owed'][number]['kind'], of: 'files' | 'bytes' = 'files') => owed.filter((one) => one.kind === kind).reduce((sum, one) => sum + one[of], 0)
	const etas = owed.filter(({ kind }) => kind === 'copy').map(({ etaSeconds }) => etaSeconds)
	const holders = nodes.filter(({ state }) => state !== 'dead' && state !== 'drain').length
	return {
		copies: total('copy'),
		copyBytes: total('copy', 'bytes'),
		// Each node makes its own copies: all are done when the last is.
		etaSeconds: etas.length > 0 && etas.every((eta) => eta !== undefined) ? Math.max(...etas) : undefined,
		intents: total('change'),
		surplus: total('remove'),
		suspect: total('check'),
		offsite: awaitingOffsite.files,
		short,
		classesShort: classes.filter((rule) => !isRetired(rule) && rule.copies > holders).map(({ name }) => name),
	}
}
