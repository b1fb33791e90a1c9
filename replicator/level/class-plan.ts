/** What the classes of the configuration would change: files that fall under another, and copies to be made or removed. Nothing is changed. */
import type { ClassRow } from '../../core/catalogue/classes.ts'
import type { Amount } from '../../core/catalogue/holdings.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import { readNodes, reckon } from './nodes.ts'
import { type Held, pagesOfTree } from './pages.ts'
import { type Plan, planFile } from './plan.ts'
import { classUnder } from './reclass.ts'

export interface ClassPlan {
	/** Files that fall under another class. */
	moves: Array<{ from: string; to: string } & Amount>
	/** Copies, by node. */
	nodes: Array<{ node: NodeId; name: string; added: Amount; removed: Amount }>
	/** Files for which there are not enough nodes. */
	short: Amount
}

export async function planClasses(fs: Filesystem, rules: ClassRow[]): Promise<ClassPlan> {
	const then: Filesystem = { ...fs, classes: rules }
	const nodes = await drive(readNodes(fs))
	const moves = new Map<string, ClassPlan['moves'][number]>()
	const added = new Map<NodeId, Amount>()
	const removed = new Map<NodeId, Amount>()
	const short: Amount = { files: 0, bytes: 0 }
	for await (const { files } of pagesOfTree(then, 0)) {
		for (const file of files) {
			const before = classById(fs, file.class_id)
			const after = classById(then, await drive(classUnder(then, file)))
			if (before.id !== after.id) countMove(moves, before, after, file)
			if (before.copies === after.copies && before.zones === after.zones) continue
			const plan = planFile(file, after, file.copies, nodes, {})
			reckon(nodes, file.size, { added: plan.add, gone: plan.surplus, pendingMax: Number.POSITIVE_INFINITY })
			countCopies(plan, file, { added, removed, short })
		}
	}
	const none: Amount = { files: 0, bytes: 0 }
	const changed = [...nodes.values()].filter(({ id }) => added.has(id) || removed.has(id))
	return {
		moves: [...moves.values()],
		nodes: changed.map(({ id, name }) => ({ node: id, name, added: added.get(id) ?? none, removed: removed.get(id) ?? none })),
		short,
	}
}

function countMove(moves: Map<string, ClassPlan['moves'][number]>, from: ClassRow, to: ClassRow, { size }: Held): void {
	const key = `${from.id} ${to.id}`
	const move = moves.get(key) ?? { from: from.name, to: to.name, files: 0, bytes: 0 }
	moves.set(key, move)
	count(move, size)
}

interface Counts {
	added: Map<NodeId, Amount>
	removed: Map<NodeId, Amount>
	short: Amount
}

function countCopies(plan: Plan, { size }: Held, { added, removed, short }: Counts): void {
	for (const node of plan.add) countAt(added, node, size)
	for (const node of plan.surplus) countAt(removed, node, size)
	if (plan.missing > 0) count(short, size)
}

function countAt(amounts: Map<NodeId, Amount>, node: NodeId, size: number): void {
	const amount = amounts.get(node) ?? { files: 0, bytes: 0 }
	amounts.set(node, amount)
	count(amount, size)
}

function count(amount: Amount, size: number): void {
	amount.files++
	amount.bytes += size
}
