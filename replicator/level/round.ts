/**
 * One round of everything that decides who holds what: drains, a rebalance, a pass over the tree after classes or nodes have
 * changed. To be called again and again; three small queries when nothing is to be done.
 */
import * as classTable from '../../core/catalogue/classes.ts'
import { held } from '../../core/catalogue/holdings.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import * as settings from '../../core/catalogue/settings.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { refreshClasses } from '../../core/filesystem/nodes.ts'
import type { NodeRow } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import { WITHOUT_ROOM } from '../../core/stats/owed.ts'
import type { Job } from '../replicator.ts'
import type { Run } from '../run.ts'
import { drainedNode, drainName, PASS, progressOf, REBALANCE } from './activity.ts'
import { beginDrain, type DrainProgress, drainRound, isDrainDue, type RoundOptions } from './drain.ts'
import { withLease } from './lease.ts'
import { pass, type Stopped } from './pass.ts'
import { isPassDue, signatureOf } from './pass-due.ts'
import { type RebalanceOptions, rebalanceRound } from './rebalance.ts'

interface Situation {
	jobs: JobRow[]
	nodes: NodeRow[]
	signature: string
	isShort: boolean
}

type Work = (fs: Filesystem, run: Run) => Promise<void>

/** Who is at it instead, when there was something to do and another process does it. */
export async function levelRound(
	fs: Filesystem,
	run: Run,
	options: RoundOptions & RebalanceOptions = {},
): Promise<string | undefined> {
	if (workDue(await look(fs), options).length === 0) return undefined
	return await withLease(fs, run, async (held) => {
		await drive(refreshClasses(fs))
		for (const work of workDue(await look(fs), options)) if (!held.signal.aborted) await work(fs, held)
	})
}

/** The same as a job, for whoever runs jobs. Ask `isLevelDue` first: that is cheap. */
export const levelJob: Job = { what: 'level', ofTree: true, work: ({ fs, run }) => levelRound(fs, run).then(() => undefined) }

export interface Whole {
	/** Who is at it instead. */
	holder: string | undefined
	/** How it ended; undefined when it did not come to that. */
	stopped: Stopped | undefined
}

/** The whole tree at once, from the first file on, as far as nodes may be asked for copies. */
export async function wholePass(fs: Filesystem, run: Run): Promise<Whole> {
	let stopped: Stopped | undefined
	const holder = await withLease(fs, run, async (held) => {
		await drive(refreshClasses(fs))
		const { signature } = await look(fs)
		stopped = await pass(fs, held, signature, { forMs: Number.POSITIVE_INFINITY, anew: true })
	})
	return { holder, stopped }
}

/** Whether a round would find anything to do. */
export async function isLevelDue(fs: Filesystem): Promise<boolean> {
	return workDue(await look(fs), {}).length > 0
}

async function look({ catalogue }: Filesystem): Promise<Situation> {
	const [rows, nodes, classes, short] = await Promise.all([jobs.list(catalogue), nodeTable.list(catalogue), classTable.list(catalogue), settings.find(catalogue, WITHOUT_ROOM)])
	return { jobs: rows, nodes, signature: signatureOf(classes, nodes), isShort: short !== undefined }
}

function workDue({ jobs: rows, nodes, signature, isShort }: Situation, options: RoundOptions & RebalanceOptions): Work[] {
	const work: Work[] = []
	for (const node of nodes) if (node.state === 'drain' && !hasDrain(rows, node)) work.push((fs) => startDrain(fs, node))
	for (const row of rows) {
		if (row.state !== 'running') continue
		const drained = drainedNode(row.name)
		const node = nodes.find(({ id }) => id === drained)
		if (drained !== undefined && isDue(row)) work.push((fs, run) => drainRound(fs, run, row, node, options))
		if (row.name === REBALANCE) work.push((fs, run) => rebalanceRound(fs, run, row, options))
	}
	if (
		isPassDue(
			rows.find(({ name }) => name === PASS),
			signature,
			isShort,
		)
	)
		work.push((fs, run) => pass(fs, run, signature, options).then(() => undefined))
	return work
}

function isDue(row: JobRow): boolean {
	const progress = progressOf<DrainProgress>(row)
	return !progress || isDrainDue(progress, Date.now())
}

/** A keeper who sets a node to `drain` wants it emptied. */
function hasDrain(rows: readonly JobRow[], node: NodeRow): boolean {
	const row = rows.find(({ name }) => name === drainName(node.id))
	if (!row) return false
	return row.state === 'running' || row.state === 'paused' || row.ended >= node.since
}

async function startDrain(fs: Filesystem, node: NodeRow): Promise<void> {
	const total = await drive(held(fs.catalogue, node.id))
	await transact(fs, function* (tx) {
		beginDrain(tx, fs, node, total)
	})
}
