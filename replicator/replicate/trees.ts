/** The trees a copying thread has open, each made sure of before it is used. */
import { constants } from 'node:fs'
import { Errno } from '../../core/errors.ts'
import { close, fsync, lastError, libc } from '../../core/libc.ts'
import { O_CLOEXEC, openBeneath } from '../../core/nodes/beneath.ts'
import { type LocalOperations, openLocalOperations } from '../../core/nodes/local.ts'
import { openRoot, type Root } from '../../core/nodes/root.ts'
import type { Side } from './copy.ts'
import { decodePath, type Tree } from './messages.ts'

export interface OpenTree {
	operations: LocalOperations
	root: Root
	/** A descriptor that hears of every failure to write since it was opened. */
	disk: number
}

/** More directories than this are synced with everything else on their disk. */
const DIRECTORIES_MAX = 8

const syncfs = libc<[fd: number]>('int syncfs(int fd)')
const trees = new Map<string, OpenTree>()

export function openSide(tree: Tree, side: Side): OpenTree {
	try {
		return open(tree)
	} catch (error) {
		throw Object.assign(error as Error, { side })
	}
}

/** Only if it is the node: what is mounted at the path may have changed since the last time. */
function open({ root, uuid }: Tree): OpenTree {
	let tree = trees.get(root)
	if (tree === undefined) {
		const own = openRoot(root)
		tree = { operations: openLocalOperations(root), root: own, disk: -1 }
		trees.set(root, tree)
	}
	try {
		tree.operations.identify(uuid)
		tree.root.identify(uuid)
	} catch (error) {
		if (tree.disk !== -1) close(tree.disk)
		tree.disk = -1
		throw error
	}
	if (tree.disk === -1) tree.disk = openDirectory(tree, Buffer.alloc(0))
	return tree
}

/** What was opened is closed. */
export function leaveTrees(): void {
	for (const { operations, root, disk } of trees.values()) {
		operations.end()
		root.close()
		if (disk !== -1) close(disk)
	}
	trees.clear()
}

function openDirectory({ root }: OpenTree, path: Buffer): number {
	return openBeneath(root.descriptor(), path, path.length, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0)
}

/** Everything that was written to the tree is on its disk. */
export function syncTree({ disk }: OpenTree): void {
	if (syncfs(disk) === -1) throw lastError('syncfs')
}

/** The names at these paths are on the disk. */
export function syncNames(tree: OpenTree, paths: readonly string[]): void {
	const directories = new Set(paths.map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))))
	if (directories.size > DIRECTORIES_MAX) syncTree(tree)
	else for (const path of directories) syncDirectory(tree, decodePath(path))
}

function syncDirectory(tree: OpenTree, path: Buffer): void {
	try {
		const fd = openDirectory(tree, path)
		const result = fsync(fd)
		const error = result === -1 ? lastError('fsync of a directory') : undefined
		close(fd)
		if (error) throw error
	} catch (error) {
		// Removed or renamed since: whoever did that has changed more than this.
		if (!(error instanceof Errno) || !['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code)) throw error
	}
}
