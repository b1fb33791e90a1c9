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
	/** Some that `next` gives out soon, each told once; none while enough of those told are still to come. */
	upcoming(): readonly Directory[]
	/** The directories in the one that was given out last. */
	enter(directory: Directory, children: Child[]): void
}

interface Level {
	above: Directory
	children: Child[]
	/** The first child that was neither given out nor told. */
	next: number
	/** Told and not yet given out, in their order. */
	told: Directory[]
}

const TOLD_AT_ONCE = 8
/** Told of one level: while the walk is in it, and while it is below it. */
const TOLD_MAX = 32
const TOLD_ABOVE_MAX = TOLD_AT_ONCE

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
				const directory = level.told.shift() ?? nextOf(level)
				if (directory) return directory
				levels.pop()
			}
			return undefined
		},
		upcoming() {
			const inner = levels.at(-1)
			const level = levels.findLast(({ children, next }) => next < children.length)
			if (!level || level.told.length + TOLD_AT_ONCE > (level === inner ? TOLD_MAX : TOLD_ABOVE_MAX)) return []
			const directories: Directory[] = []
			for (let next = nextOf(level); next; next = directories.length < TOLD_AT_ONCE ? nextOf(level) : undefined) directories.push(next)
			level.told.push(...directories)
			return directories
		},
		enter(above, children) {
			if (children.length === 0) return
			levels.push({ above, children: children.sort((a, b) => a.name.compare(b.name)), next: 0, told: [] })
		},
	}
}

function nextOf(level: Level): Directory | undefined {
	const child = level.children[level.next]
	if (!child) return undefined
	level.next++
	return { ...child, path: joinPath(level.above.path, child.name), generation: level.above.generation }
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
