/** Where things stand, from the figures: what it costs does not grow with the archive. */
import * as classTable from '../catalogue/classes.ts'
import * as clientTable from '../catalogue/clients.ts'
import type { ClientRow } from '../catalogue/clients.ts'
import type { Driver, Query } from '../catalogue/driver.ts'
import type { Amount } from '../catalogue/holdings.ts'
import * as jobTable from '../catalogue/jobs.ts'
import * as leaseTable from '../catalogue/leases.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import type { Below, CountedDirectory } from '../catalogue/stat-directories.ts'
import * as directories from '../catalogue/stat-directories.ts'
import type { CopiesRow, NodeFiguresRow, OffsiteRow, SiteFiguresRow } from '../catalogue/stat-figures.ts'
import * as figures from '../catalogue/stat-figures.ts'
import * as sites from '../catalogue/site-proofs.ts'
import type { SiteProof } from '../catalogue/site-proofs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import { ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { changesBehind } from './behind.ts'
import { type ClassCopies, copiesByClass } from './copies.ts'
import { type NodeFigures, nodeFigures } from './nodes.ts'
import { type Failure, failuresOf } from './failures.ts'
import { awaitingOffsite, type OffsiteFigures, offsiteFigures } from './offsite.ts'
import { type Owed, owedWork, PASS, shortIn } from './owed.ts'
import { figuresIn, type Rows } from './rows.ts'

export interface Overview {
	/** Unix seconds, by the database's clock. */
	at: number
	/** Changes that are not counted yet, up to about `BEHIND_MAX`. */
	behind: number
	tree: Below
	copies: ClassCopies[]
	nodes: NodeFigures[]
	owed: Owed[]
	/** What was found on nodes and waits to be decided. */
	conflicts: number
	/** Copies in doubt or known to be bad. */
	bad: Amount
	/** Runs whose last end was a failure. */
	failures: Failure[]
	/** Copies off this site, by class and site. */
	offsite: OffsiteFigures[]
	/** Files that fewer sites hold than their class asks for. */
	awaitingOffsite: Amount
	/** Files for which there were too few nodes, when that was looked at last. */
	short: number
	/** Files open for writing. */
	writers: number
	clients: Client[]
}

export type Client = Pick<ClientRow, 'id' | 'host' | 'pid' | 'what' | 'joined'> & { silentSeconds: number }

const BEHIND_MAX = 100_000

export function* overview(catalogue: Driver): Op<Overview> {
	const { capabilities } = catalogue
	const classes = yield* wait(classTable.list(catalogue))
	const nodes = yield* wait(nodeTable.list(catalogue))
	const clients = yield* wait(clientTable.list(catalogue, capabilities))
	const jobs = yield* wait(jobTable.list(catalogue))
	const leases = yield* wait(leaseTable.list(catalogue, capabilities))
	const [[clock], [root], copies, held, intents, conflicts, [writers], elsewhere, atSites, proofs] = (yield* wait(
		catalogue.read(
			[`SELECT ${capabilities.now} AS now`, []],
			directories.findQuery(ROOT_ID),
			figures.copiesQuery(),
			figures.nodesQuery(),
			byNode('intent'),
			byNode('conflict'),
			['SELECT COUNT(*) AS many FROM writer', []],
			figures.offsiteQuery(),
			figures.sitesQuery(),
			sites.provedQuery(),
		),
	)) as [
		Array<{ now: number }>, CountedDirectory[], CopiesRow[], NodeFiguresRow[], ByNode[], ByNode[], Many[], OffsiteRow[], SiteFiguresRow[], SiteProof[],
	]
	const rows: Rows = {
		now: clock.now, classes, nodes, copies, held, jobs, leases: new Set(leases.map(({ name }) => name)), intents: toMap(intents), conflicts: toMap(conflicts),
		elsewhere, atSites, sites: proofs,
	}
	return {
		at: rows.now,
		behind: yield* changesBehind(catalogue, BEHIND_MAX),
		tree: { files: root?.files ?? 0, bytes: root?.bytes ?? 0, directories: root?.directories ?? 0 },
		copies: yield* copiesByClass(catalogue, rows),
		nodes: nodeFigures(rows),
		owed: owedWork(rows),
		conflicts: sum(rows.conflicts),
		bad: figuresIn(held, REPLICA.suspect),
		failures: failuresOf(rows),
		offsite: offsiteFigures(rows),
		awaitingOffsite: awaitingOffsite(rows),
		short: shortIn(rows.jobs.find(({ name }) => name === PASS)),
		writers: Number(writers.many),
		clients: clients.map(({ id, host, pid, what, joined, silent }) => ({ id, host, pid, what, joined, silentSeconds: silent })),
	}
}

interface Many {
	many: number
}

type ByNode = Many & { node_id: number }

function byNode(table: 'intent' | 'conflict'): Query {
	return [`SELECT node_id, COUNT(*) AS many FROM ${table} GROUP BY node_id`, []]
}

function toMap(rows: readonly ByNode[]): Map<number, number> {
	return new Map(rows.map((row) => [row.node_id, Number(row.many)]))
}

function sum(byNode: ReadonlyMap<number, number>): number {
	return [...byNode.values()].reduce((total, many) => total + many, 0)
}
