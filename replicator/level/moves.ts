/** Which copies to move so that the nodes' disks are in use to the same share. Nothing is changed here. */
import type { ClassRow } from '../../core/catalogue/classes.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { FileId, NodeId } from '../../core/ids.ts'
import { classById } from '../../core/placement/placement.ts'
import { fillOf, type LevelNode } from './nodes.ts'
import { type Held, pagesOfNode } from './pages.ts'

export interface Move {
	file: FileId
	from: NodeId
	to: NodeId
	size: number
}

type Nodes = ReadonlyMap<NodeId, LevelNode>

/** Nodes whose share is looked at: those that are there, also where nothing new may go. */
export function balanced(nodes: Nodes): LevelNode[] {
	return [...nodes.values()].filter(({ role, reliable, capacity }) => reliable && role !== 'leaves' && capacity > 0)
}

function meanFill(nodes: Nodes): number {
	const those = balanced(nodes)
	const sum = (of: (node: LevelNode) => number) => those.reduce((total, node) => total + of(node), 0)
	return those.length > 0 ? sum(({ used }) => used) / sum(({ capacity }) => capacity) : 0
}

export function isEven(nodes: Nodes, tolerance: number): boolean {
	const mean = meanFill(nodes)
	return balanced(nodes).every((node) => Math.abs(fillOf(node) - mean) <= tolerance)
}

export interface Search {
	tolerance: number
	/** Where the search on each node goes on; moved along. */
	cursors: Record<NodeId, FileId>
	/** Files that are being moved. */
	underWay: ReadonlySet<FileId>
}

/** From the fullest on, one for a file at most. The nodes are reckoned with as if each move were done. */
export async function* findMoves(fs: Filesystem, nodes: Nodes, search: Search): AsyncGenerator<Move> {
	const exhausted = new Set<NodeId>()
	const moving = new Set(search.underWay)
	for (;;) {
		if (isEven(nodes, search.tolerance / 2)) return
		const source = fullest(nodes, exhausted)
		if (!source) return
		for await (const move of movesFrom(fs, source, nodes, { ...search, underWay: moving })) {
			moving.add(move.file)
			yield move
		}
		exhausted.add(source.id)
	}
}

function fullest(nodes: Nodes, exhausted: ReadonlySet<NodeId>): LevelNode | undefined {
	const mean = meanFill(nodes)
	const above = balanced(nodes).filter((node) => !exhausted.has(node.id) && fillOf(node) > mean)
	return above.sort((a, b) => fillOf(b) - fillOf(a))[0]
}

/** Once round its files, from where the last search stopped. */
async function* movesFrom(
	fs: Filesystem,
	source: LevelNode,
	nodes: Nodes,
	{ tolerance, cursors, underWay }: Search,
): AsyncGenerator<Move> {
	const start = cursors[source.id] ?? 0
	const mean = meanFill(nodes)
	for (const [after, until] of [
		[start, Number.POSITIVE_INFINITY],
		[0, start],
	]) {
		for await (const { files } of pagesOfNode(fs, source.id, REPLICA.good, after)) {
			for (const file of files) {
				if (fillOf(source) <= mean || isEven(nodes, tolerance / 2)) return
				if (file.id > until) return
				cursors[source.id] = file.id
				const to = underWay.has(file.id) ? undefined : targetOf(file, source, nodes, classById(fs, file.class_id))
				if (!to) continue
				source.used -= file.size
				to.used += file.size
				to.room -= file.size
				yield { file: file.id, from: source.id, to: to.id, size: file.size }
			}
		}
	}
}

/** The emptiest node that may have it, if that brings the two nearer to each other. */
export function targetOf(
	file: Held,
	source: LevelNode,
	nodes: Nodes,
	rule: Pick<ClassRow, 'copies' | 'zones'>,
): LevelNode | undefined {
	if (!isSettled(file, rule)) return undefined
	const fits = (node: LevelNode) =>
		node.role === 'takes' &&
		!node.busy &&
		node.room > file.size &&
		!file.copies.some(({ node_id }) => node_id === node.id) &&
		(node.used + file.size) / node.capacity <= (source.used - file.size) / source.capacity &&
		keepsZones(file, source, node, nodes, rule)
	return [...nodes.values()].filter(fits).sort((a, b) => fillOf(a) - fillOf(b))[0]
}

/** Exactly the copies its class asks for, all good: nothing else is going on with it. */
export function isSettled({ kind, size, version, copies }: Held, rule: Pick<ClassRow, 'copies'>): boolean {
	const good = copies.every((copy) => copy.state === REPLICA.good && copy.version === version)
	return kind === KIND.regular && size > 0 && version > 0 && good && copies.length === rule.copies
}

function keepsZones({ copies }: Held, from: LevelNode, to: LevelNode, nodes: Nodes, { zones }: Pick<ClassRow, 'zones'>): boolean {
	const now = copies.map(({ node_id }) => nodes.get(node_id)?.zone)
	const then = copies.map(({ node_id }) => (node_id === from.id ? to.zone : nodes.get(node_id)?.zone))
	return new Set(then).size >= Math.min(zones, new Set(now).size)
}
