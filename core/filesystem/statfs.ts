/** Room over all nodes: what a user may still write as files of the default class. */
import type { Filesystem } from './filesystem.ts'
import { defaultClass, reserveBytes, takesNewFiles } from '../placement/placement.ts'

export interface TreeSpace {
	blockBytes: number
	blocks: number
	blocksFree: number
	files: number
	filesFree: number
}

const BLOCK_BYTES = 4096

/** A node takes part at most as often as each file needs another node: three copies do not fit on one large one. */
export function statfs(fs: Filesystem): TreeSpace {
	const nodes = [...fs.nodes.values()].filter((node) => node.row.state !== 'dead')
	const copies = Math.max(1, defaultClass(fs)?.copies ?? 1)
	const capacity = spread(nodes.map((node) => node.space.capacity), copies)
	const free = spread(
		nodes.map((node) => (takesNewFiles(node) ? Math.max(0, node.space.free - reserveBytes(node)) : 0)),
		copies,
	)
	return {
		blockBytes: BLOCK_BYTES,
		blocks: Math.floor(capacity / BLOCK_BYTES),
		blocksFree: Math.floor(free / BLOCK_BYTES),
		files: nodes.reduce((sum, node) => sum + node.space.files, 0),
		filesFree: nodes.reduce((sum, node) => sum + node.space.filesFree, 0),
	}
}

/** How many bytes can be stored `copies` times on distinct nodes. With fewer nodes than copies, as often as there are nodes. */
export function spread(sizes: number[], copies: number): number {
	const sorted = sizes.filter((size) => size > 0).sort((a, b) => b - a)
	let wanted = Math.min(copies, sorted.length)
	let total = sorted.reduce((sum, size) => sum + size, 0)
	for (const largest of sorted) {
		if (wanted <= 1 || largest * wanted <= total) break
		// More than its share can never be used: it holds one copy of everything, the rest is for the others.
		total -= largest
		wanted--
	}
	return wanted === 0 ? 0 : Math.floor(total / wanted)
}
