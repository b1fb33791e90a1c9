/** Room over all nodes: what a user may still write as files of the default class. */
import type { Filesystem } from './filesystem.ts'
import type { Node } from '../nodes/node.ts'
import { defaultClass, reserveBytes, takesNewFiles } from '../placement/placement.ts'

export interface TreeSpace {
	blockBytes: number
	blocks: number
	blocksFree: number
	files: number
	filesFree: number
}

/** What some nodes have together, each of which can hold one copy of a file. */
export interface Room {
	bytes: number
	nodes: number
}

const BLOCK_BYTES = 4096

/** A node takes part at most as often as each file needs another node: three copies do not fit on one large one. */
export function statfs(fs: Filesystem): TreeSpace {
	const disks = byDisk([...fs.nodes.values()].filter((node) => node.row.state !== 'dead'))
	const copies = Math.max(1, defaultClass(fs)?.copies ?? 1)
	const capacity = spread(disks.map((nodes) => ({ bytes: nodes[0].space.capacity, nodes: nodes.length })), copies)
	const free = spread(disks.map(freeRoom), copies)
	return {
		blockBytes: BLOCK_BYTES,
		blocks: Math.floor(capacity / BLOCK_BYTES),
		blocksFree: Math.floor(free / BLOCK_BYTES),
		files: disks.reduce((sum, [{ space }]) => sum + space.files, 0),
		filesFree: disks.reduce((sum, [{ space }]) => sum + space.filesFree, 0),
	}
}

function byDisk(nodes: readonly Node[]): Node[][] {
	return [...Map.groupBy(nodes, ({ id, space }) => (space.disk === 0 ? `node ${id}` : `disk ${space.disk}`)).values()]
}

/** Each keeps its own reserve: that which keeps the least goes on longest. */
function freeRoom(nodes: readonly Node[]): Room {
	const taking = nodes.filter(takesNewFiles)
	return { bytes: Math.max(0, ...taking.map((node) => node.space.free - reserveBytes(node))), nodes: taking.length }
}

/** How many bytes can be stored `copies` times on distinct nodes. With fewer nodes than copies, as often as there are nodes. */
export function spread(rooms: readonly Room[], copies: number): number {
	const sorted = rooms.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes / b.nodes - a.bytes / a.nodes)
	let wanted = Math.min(copies, sorted.reduce((sum, { nodes }) => sum + nodes, 0))
	let total = sorted.reduce((sum, { bytes }) => sum + bytes, 0)
	for (const { bytes, nodes } of sorted) {
		if (wanted <= nodes || bytes * wanted <= total * nodes) break
		// More than its share can never be used: each of its nodes holds one copy of everything, the rest is for the others.
		total -= bytes
		wanted -= nodes
	}
	return wanted === 0 ? 0 : Math.floor(total / wanted)
}
