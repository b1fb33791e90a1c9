/** What a keeper says about balancing the nodes. Each is one transaction; the rounds that follow do what it asks for. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import { fail } from '../../core/errors.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive, wait } from '../../core/op.ts'
import { progressOf, REBALANCE, remember } from './activity.ts'
import { balanced, findMoves, type Move } from './moves.ts'
import { fillOf, type LevelNode, readNodes } from './nodes.ts'
import { beginRebalance, type RebalanceProgress } from './rebalance.ts'

/** False when it is under way already: then only the tolerance is another. */
export async function startRebalance(fs: Filesystem, tolerance: number): Promise<boolean> {
	return await change(fs, (tx, row) => {
		const progress = progressOf<RebalanceProgress>(row)
		const isUnderWay = progress && !progress.aborting && (row?.state === 'running' || row?.state === 'paused')
		if (isUnderWay) remember(tx, REBALANCE, { ...progress, tolerance })
		else beginRebalance(tx, fs, tolerance)
		return !isUnderWay
	})
}

export async function pauseRebalance(fs: Filesystem): Promise<void> {
	await change(fs, (tx, row) => {
		underWay(row)
		jobs.setState(tx, REBALANCE, 'paused')
	})
}

export async function resumeRebalance(fs: Filesystem): Promise<void> {
	await change(fs, (tx, row) => {
		underWay(row)
		jobs.setState(tx, REBALANCE, 'running')
	})
}

export async function abortRebalance(fs: Filesystem): Promise<void> {
	await change(fs, (tx, row) => {
		remember(tx, REBALANCE, { ...underWay(row), aborting: true })
		jobs.setState(tx, REBALANCE, 'running')
	})
}

function underWay(row: JobRow | undefined): RebalanceProgress {
	const progress = progressOf<RebalanceProgress>(row)
	if (!progress || (row?.state !== 'running' && row?.state !== 'paused'))
		return fail('EINVAL', 'the nodes are not being balanced')
	return progress
}

async function change<T>(fs: Filesystem, body: (tx: Transaction, row: JobRow | undefined) => T): Promise<T> {
	return await transact(fs, function* (tx) {
		return body(tx, yield* wait(jobs.find(tx, REBALANCE)))
	})
}

export interface Share {
	node: NodeId
	name: string
	/** Of its disk, in use: now, and when all is done that is planned. */
	before: number
	after: number
}

export interface BalancePlan {
	shares: Share[]
	moves: Array<{ from: string; to: string; files: number; bytes: number }>
}

/** What balancing would move. Nothing is changed. */
export async function planBalance(fs: Filesystem, tolerance: number): Promise<BalancePlan> {
	const nodes = await drive(readNodes(fs))
	const before = new Map(balanced(nodes).map((node) => [node.id, fillOf(node)]))
	const sums = new Map<string, BalancePlan['moves'][number]>()
	for await (const move of findMoves(fs, nodes, { tolerance, cursors: {}, underWay: new Set() })) add(sums, move, nodes)
	const shares = balanced(nodes).map((node) => ({
		node: node.id,
		name: node.name,
		before: before.get(node.id) ?? 0,
		after: fillOf(node),
	}))
	return { shares, moves: [...sums.values()] }
}

function add(
	sums: Map<string, BalancePlan['moves'][number]>,
	{ from, to, size }: Move,
	nodes: ReadonlyMap<NodeId, LevelNode>,
): void {
	const key = `${from} ${to}`
	const sum = sums.get(key) ?? { from: nodes.get(from)?.name ?? '', to: nodes.get(to)?.name ?? '', files: 0, bytes: 0 }
	sums.set(key, { ...sum, files: sum.files + 1, bytes: sum.bytes + size })
}
