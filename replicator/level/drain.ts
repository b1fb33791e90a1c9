/**
 * Emptying a node. Its copies count no more: copies are asked for elsewhere, and when those are there the node's own may be
 * removed. Many rounds pass until nothing is left; each looks at what was asked for before and asks for some more.
 */
import type { Amount } from '../../core/catalogue/holdings.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as leases from '../../core/catalogue/leases.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { FileId, NodeId } from '../../core/ids.ts'
import type { NodeRow, NodeState } from '../../core/nodes/node.ts'
import { run as drive, wait } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import type { Run } from '../run.ts'
import { begin, drainName, end, isRebalancing, progressOf, remember } from './activity.ts'
import { changesAnything, type Decided, type Round } from './decide.ts'
import { LEASE } from './lease.ts'
import { PENDING_FILES_MAX, readNodes } from './nodes.ts'
import { type Held, pagesOfNode, pathToTell } from './pages.ts'
import { sweep } from './sweep.ts'
import { tidy } from './tidy.ts'
import { isUnplaced, whyUnplaced } from './unplaced.ts'

export interface DrainProgress {
	/** What the node is again when the drain is aborted. */
	former: NodeState
	/** What it held at the beginning. */
	total: Amount
	/** Files looked at for the first time go on from here. */
	planned: FileId
	/** Where a round that ran out of time stopped. */
	cursor?: { step: number; after: FileId }
	/** In the last whole round. */
	unplaced: Amount
	/** Found so far in this one. */
	counting: Amount
	/** What was asked for elsewhere is taken back, and it ends. */
	aborting?: boolean
	/** The last whole round changed nothing and took long: the next one is not at once. */
	rest?: { fromMs: number; forMs: number }
}

/** Of a node of which much cannot be placed, everything is looked at in vain: a tenth of the time has to be enough. */
const REST_TIMES = 10
const REST_MS_MAX = 120_000
const SHORT_MS = 1_000

/** Whether its time has come. A clock that was set back keeps nobody waiting. */
export function isDrainDue({ rest, aborting }: DrainProgress, nowMs: number): boolean {
	return aborting === true || !rest || Math.abs(nowMs - rest.fromMs) >= rest.forMs
}

export interface RoundOptions {
	/** How long a round may look; the next one goes on where it stopped. */
	forMs?: number
	pendingMax?: number
}

const ROUND_MS = 10_000
/** What is to go is looked at too: the copies it was to go for may have been lost since. */
const STEPS = [REPLICA.good, REPLICA.suspect, REPLICA.wanted, REPLICA.surplus] as const
const NONE: Amount = { files: 0, bytes: 0 }

/** In the transaction that gives the node its state; `total` is what it held before: to count that takes longer than a transaction may. */
export function beginDrain(tx: Transaction, fs: Filesystem, node: NodeRow, total: Amount): void {
	const former = node.state === 'drain' ? 'rw' : node.state
	const progress: DrainProgress = { former, total, planned: 0, unplaced: NONE, counting: NONE }
	begin(tx, drainName(node.id), progress, fs.capabilities)
	if (node.state !== 'drain') nodeTable.update(tx, node.id, { ...node, state: 'drain' }, fs.capabilities)
}

export async function drainRound(
	fs: Filesystem,
	run: Run,
	row: JobRow,
	node: NodeRow | undefined,
	options: RoundOptions = {},
): Promise<void> {
	const progress = progressOf<DrainProgress>(row)
	if (!progress) throw new Error(`job ${row.name}: without progress`)
	if (progress.aborting || node?.state !== 'drain') return await endAborted(fs, run, row, node)
	await goOver(fs, run, { node: node.id, progress, options })
	await finishIfEmpty(fs, run, node, progress)
}

interface Going {
	node: NodeId
	progress: DrainProgress
	options: RoundOptions
}

async function goOver(fs: Filesystem, run: Run, { node, progress, options }: Going): Promise<void> {
	const { forMs = ROUND_MS, pendingMax = PENDING_FILES_MAX } = options
	const startMs = performance.now()
	const untilMs = startMs + forMs
	const round: Round = {
		fs,
		run,
		nodes: await drive(readNodes(fs, { pendingMax })),
		pendingMax,
		keepSpare: isRebalancing(await jobs.list(fs.catalogue)),
	}
	const start = progress.cursor ?? { step: 0, after: 0 }
	if (!progress.cursor) progress.counting = NONE
	for (let step = start.step; step < STEPS.length; step++) {
		let enough = false
		const ended = await sweep(round, {
			pages: pagesOfNode(fs, node, STEPS[step], step === start.step ? start.after : 0),
			each: (file, decided) => account(round, progress, file, decided),
			async turned(last) {
				const isNew = STEPS[step] === REPLICA.good && last > progress.planned
				enough = isNew && [...round.nodes.values()].every(({ role, busy }) => role !== 'takes' || busy)
				if (isNew) progress.planned = last
				progress.cursor = { step, after: last }
				await keep(fs, drainName(node), progress)
				return !enough && performance.now() < untilMs
			},
		})
		if (!ended && !enough) return
	}
	progress.cursor = undefined
	progress.unplaced = progress.counting
	const tookMs = performance.now() - startMs
	progress.rest =
		round.changed || tookMs < SHORT_MS ? undefined : { fromMs: Date.now(), forMs: Math.min(REST_MS_MAX, tookMs * REST_TIMES) }
	await keep(fs, drainName(node), progress)
}

async function account(
	{ fs, run, nodes }: Round,
	progress: DrainProgress,
	file: Held,
	{ plan, classId, size, busy }: Decided,
): Promise<void> {
	if (isUnplaced(plan)) {
		progress.counting = { files: progress.counting.files + 1, bytes: progress.counting.bytes + size }
		return run.trouble(
			await pathToTell(fs, file.id),
			whyUnplaced(classById(fs, classId), { size, plan, copies: file.copies }, nodes),
		)
	}
	run.done(busy ? 'in use' : outcomeOf(plan), changesAnything(plan) ? size : 0)
}

export function outcomeOf({ add, surplus, drop, restore, waits, deferred }: Decided['plan']): string {
	if (add.length > 0) return 'asked for'
	if (surplus.length > 0) return 'released'
	if (drop.length + restore.length > 0) return 'corrected'
	return waits || deferred ? 'waiting' : 'settled'
}

async function keep(fs: Filesystem, name: string, progress: DrainProgress): Promise<void> {
	await transact(fs, function* (tx) {
		const row = yield* wait(jobs.find(tx, name))
		// The keeper may have said something meanwhile.
		if (yield* leases.stillHeld(fs, tx, LEASE))
			remember(tx, name, { ...progress, aborting: progressOf<DrainProgress>(row)?.aborting })
	})
}

/** Nothing is left there, and nothing is to be carried out there any more. */
async function finishIfEmpty(fs: Filesystem, run: Run, node: NodeRow, { total }: DrainProgress): Promise<void> {
	const finished = await transact(fs, function* (tx) {
		if (!(yield* leases.stillHeld(fs, tx, LEASE)) || (yield* wait(nodeTable.inUse(tx, node.id)))) return false
		end(tx, drainName(node.id), { state: 'done', outcome: { moved: total } }, fs.capabilities)
		return true
	})
	if (finished) run.note(`node ${node.name} is empty: 'cairn node remove ${node.name}' forgets it`)
}

/** What was asked for elsewhere is taken back as long as it is not there. */
async function endAborted(fs: Filesystem, run: Run, { name }: JobRow, node: NodeRow | undefined): Promise<void> {
	if (!(await tidy(fs, run, node ? [node.id] : []))) return
	await transact(fs, function* (tx) {
		if (yield* leases.stillHeld(fs, tx, LEASE)) end(tx, name, { state: 'failed', outcome: { aborted: true } }, fs.capabilities)
	})
}
