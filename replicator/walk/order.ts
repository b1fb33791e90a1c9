/** The order of a walk: a directory before what is in it, names by their bytes. It stays the same, so that a walk can go on. */
import type { FileId, Name, Path } from '../../core/ids.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Directory } from './walking.ts'

export interface Child {
	name: Name
	id: FileId
	onDisk: boolean
	isNew: boolean
}

export interface Order {
	next(): Directory | undefined
	/** The directories in the one that was given out last. */
	enter(directory: Directory, children: Child[]): void
}

interface Level {
	above: Directory
	children: Child[]
	next: number
}

export function startOrder(root: Directory): Order {
	const levels: Level[] = []
	let first: Directory | undefined = root

	return {
		next() {
			if (first) {
				const begin = first
				first = undefined
				return begin
			}
			for (let level = levels.at(-1); level; level = levels.at(-1)) {
				const child = level.children[level.next++]
				if (child) return { ...child, path: joinPath(level.above.path, child.name), generation: level.above.generation }
				levels.pop()
			}
			return undefined
		},
		enter(above, children) {
			if (children.length === 0) return
			levels.push({ above, children: children.sort((a, b) => a.name.compare(b.name)), next: 0 })
		},
	}
}

const SLASH = 0x2f

/** The component of `path` that stands in the directory; undefined when the path is not below it. */
export function componentBelow(directory: Path, path: Path): Name | undefined {
	const from = directory.length === 0 ? 0 : directory.length + 1
	if (path.length <= from || !path.subarray(0, directory.length).equals(directory)) return undefined
	if (from > 0 && path[from - 1] !== SLASH) return undefined
	const end = path.indexOf(SLASH, from)
	return path.subarray(from, end === -1 ? path.length : end)
}
