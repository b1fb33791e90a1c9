/** Acting on plans: the rows of some files are read again under lock, planned once more, and changed, in one short transaction. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as files from '../../core/catalogue/files.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import * as leases from '../../core/catalogue/leases.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as writers from '../../core/catalogue/writers.ts'
import type { WriterRow } from '../../core/catalogue/writers.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { FileId, NodeId } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import type { Run } from '../run.ts'
import { LEASE } from './lease.ts'
import { type LevelNode, reckon } from './nodes.ts'
import { NOTHING, type Plan, planFile } from './plan.ts'

/** What a round works with. */
export interface Round {
	fs: Filesystem
	run: Run
	nodes: Map<NodeId, LevelNode>
	pendingMax: number
	/** Copies beyond what classes ask for are being made on purpose. */
	keepSpare: boolean
	/** Set when any row was. */
	changed?: boolean
}

export interface Asked {
	id: FileId
	/** The class its path falls under now, where that is not the one it has. */
	classId?: number
	/** The node whose copy is to go, if one can. */
	last?: NodeId
}

export interface Decided {
	id: FileId
	size: number
	classId: number
	/** As they were before. */
	copies: readonly ReplicaRow[]
	plan: Plan
	/** Written to, or being created: it is left for the next time. */
	busy: boolean
}

export const FILES_AT_ONCE = 50

/** Undefined when another process has taken over: nothing was changed. */
export async function decide(round: Round, asked: readonly Asked[]): Promise<Decided[] | undefined> {
	const settled = await transact(round.fs, (tx) => decideIn(round, tx, asked))
	if (!settled) return undefined
	round.nodes = settled.nodes
	round.changed ||= settled.decided.some(({ plan }) => changesAnything(plan))
	return settled.decided
}

function* decideIn(
	round: Round,
	tx: Transaction,
	asked: readonly Asked[],
): Op<{ decided: Decided[]; nodes: Round['nodes'] } | undefined> {
	const { fs } = round
	// A transaction may run twice: what it reckons holds when it is committed.
	const nodes = new Map([...round.nodes].map(([id, node]) => [id, { ...node }]))
	if (!(yield* leases.stillHeld(fs, tx, LEASE))) return undefined
	// The file's row is what everybody locks who changes its copies.
	const answers = yield* wait(
		tx.read(
			...asked.flatMap(({ id }) => [
				files.findQuery(id, fs.capabilities.forUpdate),
				replicas.ofFileQuery(id),
				writers.ofFileQuery(id),
			]),
		),
	)
	const decided: Decided[] = []
	for (const [index, { classId, last }] of asked.entries()) {
		const [[row], copies, pins] = answers.slice(index * 3) as [FileRow[], ReplicaRow[], WriterRow[]]
		if (row)
			decided.push(
				decideOne({ ...round, nodes }, tx, { row, copies, isBusy: pins.length > 0 || row.version === 0, classId, last }),
			)
	}
	return { decided, nodes }
}

interface Situation {
	row: FileRow
	copies: ReplicaRow[]
	isBusy: boolean
	classId: number | undefined
	last: NodeId | undefined
}

function decideOne(
	{ fs, nodes, keepSpare, pendingMax }: Round,
	tx: Transaction,
	{ row, copies, isBusy, classId = row.class_id, last }: Situation,
): Decided {
	if (classId !== row.class_id) files.setClass(tx, row.id, classId)
	const decided = { id: row.id, size: row.size, classId, copies, busy: isBusy }
	if (isBusy) return { ...decided, plan: NOTHING }
	const plan = planFile(row, classById(fs, classId), copies, nodes, { keepSpare, last })
	carryOut(tx, row.id, plan, copies)
	reckon(nodes, row.size, { added: plan.add, gone: [...plan.surplus, ...plan.drop], pendingMax })
	return { ...decided, plan }
}

export function carryOut(tx: Transaction, id: FileId, plan: Plan, copies: readonly ReplicaRow[]): void {
	for (const node of plan.add) {
		// An old copy that was to go is there still: it is to be replaced.
		if (copies.some(({ node_id }) => node_id === node)) replicas.setState(tx, id, node, REPLICA.wanted)
		else replicas.want(tx, id, node)
	}
	for (const node of plan.restore) replicas.setState(tx, id, node, REPLICA.good)
	for (const node of plan.surplus) replicas.setState(tx, id, node, REPLICA.surplus)
	for (const node of plan.drop) replicas.remove(tx, id, node)
}

export function changesAnything({ add, drop, surplus, restore }: Plan): boolean {
	return add.length + drop.length + surplus.length + restore.length > 0
}
