/**
 * Towards the same share of every disk in use. A move is a copy asked for on the emptiest node; when it is there the file has
 * one copy more than its class asks for, and the one on the fullest node may go. Few moves are under way at a time.
 */
import type { Transaction } from '../../core/catalogue/driver.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as leases from '../../core/catalogue/leases.ts'
import * as files from '../../core/catalogue/files.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as writers from '../../core/catalogue/writers.ts'
import type { WriterRow } from '../../core/catalogue/writers.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { FileId, NodeId } from '../../core/ids.ts'
import { run as drive, type Op, wait } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import type { Run } from '../run.ts'
import { begin, end, passAgain, progressOf, REBALANCE, remember } from './activity.ts'
import { decide, FILES_AT_ONCE, type Round } from './decide.ts'
import { LEASE } from './lease.ts'
import { findMoves, isEven, isSettled, type Move } from './moves.ts'
import { readNodes } from './nodes.ts'
import { tidy } from './tidy.ts'

export interface RebalanceProgress {
	/** Shares may differ by that much from the share of all disks together. */
	tolerance: number
	underWay: Move[]
	moved: { files: number; bytes: number }
	/** Where the search on each node goes on. */
	cursors: Record<NodeId, FileId>
	/** What was asked for is taken back, and it ends. */
	aborting?: boolean
}

export const TOLERANCE = 0.05
const MOVES_MAX = 5_000
const MOVES_BYTES_MAX = 64 * 1024 ** 3
const ROUND_MS = 10_000

export function beginRebalance(tx: Transaction, fs: Filesystem, tolerance: number): void {
	const progress: RebalanceProgress = { tolerance, underWay: [], moved: { files: 0, bytes: 0 }, cursors: {} }
	begin(tx, REBALANCE, progress, fs.capabilities)
}

export interface RebalanceOptions {
	forMs?: number
	movesMax?: number
}

export async function rebalanceRound(
	fs: Filesystem,
	run: Run,
	row: JobRow,
	{ forMs = ROUND_MS, movesMax = MOVES_MAX }: RebalanceOptions = {},
): Promise<void> {
	const progress = progressOf<RebalanceProgress>(row)
	if (!progress) throw new Error(`job ${row.name}: without progress`)
	const round: Round = { fs, run, nodes: await drive(readNodes(fs)), pendingMax: Number.POSITIVE_INFINITY, keepSpare: true }
	await finishMoves(round, progress)
	if (progress.aborting) return await endAborted(fs, run)
	const asked = await askForMoves(round, progress, { untilMs: performance.now() + forMs, movesMax })
	const isOver = progress.underWay.length === 0 && !asked && !run.signal.aborted
	await transact(fs, function* (tx) {
		if (!(yield* leases.stillHeld(fs, tx, LEASE))) return
		const now = progressOf<RebalanceProgress>(yield* wait(jobs.find(tx, REBALANCE)))
		remember(tx, REBALANCE, { ...progress, aborting: now?.aborting })
		if (!isOver || now?.aborting) return
		end(tx, REBALANCE, { state: 'done', outcome: progress.moved }, fs.capabilities)
		yield* passAgain(tx)
	})
	if (isOver)
		run.note(isEven(round.nodes, progress.tolerance) ? 'the nodes are even' : 'the nodes are as even as files and classes allow')
}

/** What has arrived lets the copy it was made for go. */
async function finishMoves(round: Round, progress: RebalanceProgress): Promise<void> {
	const left: Move[] = []
	for (let from = 0; from < progress.underWay.length; from += FILES_AT_ONCE) {
		const some = progress.underWay.slice(from, from + FILES_AT_ONCE)
		const decided = await decide(
			round,
			some.map(({ file, from: last }) => ({ id: file, last })),
		)
		if (!decided) return
		for (const move of some) {
			const one = decided.find(({ id }) => id === move.file)
			const copy = one?.copies.find(({ node_id }) => node_id === move.to)
			// Also where another may go already, because its class asks for fewer by now: forgotten before it is there, and known to be good, it would stay.
			if (one && copy && (one.busy || one.plan.waits || copy.state === REPLICA.wanted || copy.state === REPLICA.suspect)) {
				left.push(move)
				round.run.done('waiting', 0)
			} else if (one?.plan.surplus.length) {
				progress.moved = { files: progress.moved.files + 1, bytes: progress.moved.bytes + move.size }
				round.run.done('released', move.size)
			} else round.run.done('given up', 0)
		}
	}
	progress.underWay = left
}

/** Whether any was asked for. */
async function askForMoves(
	round: Round,
	progress: RebalanceProgress,
	{ untilMs, movesMax }: { untilMs: number; movesMax: number },
): Promise<boolean> {
	for (const { from, size } of progress.underWay) {
		const node = round.nodes.get(from)
		if (node) node.used -= size
	}
	if (isEven(round.nodes, progress.tolerance)) return false
	const found: Move[] = []
	let bytes = progress.underWay.reduce((sum, { size }) => sum + size, 0)
	const underWay = new Set(progress.underWay.map(({ file }) => file))
	for await (const move of findMoves(round.fs, round.nodes, {
		tolerance: progress.tolerance,
		cursors: progress.cursors,
		underWay,
	})) {
		found.push(move)
		bytes += move.size
		if (
			found.length + underWay.size >= movesMax ||
			bytes >= MOVES_BYTES_MAX ||
			performance.now() > untilMs ||
			round.run.signal.aborted
		)
			break
	}
	for (let from = 0; from < found.length; from += FILES_AT_ONCE) {
		const some = found.slice(from, from + FILES_AT_ONCE)
		// Known before the rows are: a copy that is asked for and forgotten would be there for good.
		progress.underWay.push(...some)
		await transact(round.fs, (tx) => enterMoves(round.fs, tx, some, progress))
		for (const { size } of some) round.run.done('asked for', size)
	}
	return found.length > 0
}

function* enterMoves(fs: Filesystem, tx: Transaction, moves: readonly Move[], progress: RebalanceProgress): Op<void> {
	if (!(yield* leases.stillHeld(fs, tx, LEASE))) return
	const answers = yield* wait(
		tx.read(
			...moves.flatMap(({ file }) => [
				files.findQuery(file, fs.capabilities.forUpdate),
				replicas.ofFileQuery(file),
				writers.ofFileQuery(file),
			]),
		),
	)
	for (const [index, { file, to }] of moves.entries()) {
		const [[row], copies, pins] = answers.slice(index * 3) as [FileRow[], ReplicaRow[], WriterRow[]]
		if (!row || pins.length > 0 || !isSettled({ ...row, copies, names: [] }, classById(fs, row.class_id))) continue
		if (!copies.some(({ node_id }) => node_id === to)) replicas.want(tx, file, to)
	}
	const now = progressOf<RebalanceProgress>(yield* wait(jobs.find(tx, REBALANCE)))
	remember(tx, REBALANCE, { ...progress, aborting: now?.aborting })
}

async function endAborted(fs: Filesystem, run: Run): Promise<void> {
	if (!(await tidy(fs, run))) return
	await transact(fs, function* (tx) {
		if (!(yield* leases.stillHeld(fs, tx, LEASE))) return
		end(tx, REBALANCE, { state: 'failed', outcome: { aborted: true } }, fs.capabilities)
		yield* passAgain(tx)
	})
}
