/** What lies on nodes, counted from their directories alone: no catalogue, no code of the program. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Sum {
	files: number
	bytes: number
}

export interface Counted {
	/** Files by the number of nodes that have them. */
	copies: Record<number, Sum>
	/** Files on each node. */
	nodes: Sum[]
	/** Bytes and files at or below each directory, whichever nodes have them; '' is all. */
	directories: Record<string, Sum>
}

export function countTrees(roots: readonly string[]): Counted {
	const files = new Map<string, { bytes: number; nodes: Set<number> }>()
	const directories: Counted['directories'] = {}
	for (const [node, root] of roots.entries()) visit(root, '', node, files)
	const counted: Counted = { copies: {}, nodes: roots.map(() => ({ files: 0, bytes: 0 })), directories }
	for (const [path, { bytes, nodes }] of files) {
		add(sumFor(counted.copies, nodes.size), bytes)
		for (const node of nodes) add(counted.nodes[node], bytes)
		const parts = path.split('/')
		for (let depth = 0; depth < parts.length; depth++) add(sumFor(directories, parts.slice(0, depth).join('/')), bytes)
	}
	return counted
}

function visit(root: string, below: string, node: number, files: Map<string, { bytes: number; nodes: Set<number> }>): void {
	for (const name of readdirSync(join(root, below))) {
		if (below === '' && name === '.cairn') continue
		const path = below === '' ? name : `${below}/${name}`
		const stat = lstatSync(join(root, path))
		if (stat.isDirectory()) visit(root, path, node, files)
		else {
			const known = files.get(path) ?? { bytes: stat.isFile() ? stat.size : 0, nodes: new Set() }
			known.nodes.add(node)
			files.set(path, known)
		}
	}
}

function sumFor<Key extends string | number>(sums: Record<Key, Sum>, key: Key): Sum {
	if (!Object.hasOwn(sums, key)) sums[key] = { files: 0, bytes: 0 }
	return sums[key]
}

function add(sum: Sum, bytes: number): void {
	sum.files++
	sum.bytes += bytes
}
