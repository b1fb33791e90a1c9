/** Hard links: which file of the tree an inode of the node is. Only of those that have several names. */
import type { FileId } from '../../core/ids.ts'
import type { Stat } from '../../core/nodes/node.ts'

/** Past it a name that is another's hard link becomes a file of its own. */
const INODES_MAX = 200_000

export interface Inodes {
	/** A known file was met under one of its names. */
	learn(stat: Stat, id: FileId): void
	fileOf(stat: Stat): FileId | undefined
}

export function createInodes(): Inodes {
	const files = new Map<string, FileId>()
	return {
		learn(stat, id) {
			if (stat.nlink > 1 && files.size < INODES_MAX) files.set(inodeOf(stat), id)
		},
		fileOf: (stat) => files.get(inodeOf(stat)),
	}
}

export function inodeOf({ dev, ino }: Stat): string {
	return `${dev}:${ino}`
}
