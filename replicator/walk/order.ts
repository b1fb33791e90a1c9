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
	/** The first that was told, is soon to come and may be visited before its turn, so that what is in it can be told. */
	early(isReady: (directory: Directory) => boolean): Directory | undefined
	/** The directories in the one given out last, or in one visited early, which is given out no more. */
	enter(directory: Directory, children: Child[]): void
}

/** Those in a directory that were neither given out nor told. */
interface Rest {
	above: Directory
	children: Child[]
	next: number
}

const TOLD_AT_ONCE = 8
/** Told and to come before the next that could be told. */
const TOLD_MAX = 32
/** In all, as long as some are to come before it. */
const TOLD_IN_ALL_MAX = 2 * TOLD_MAX

export function startOrder(root: Directory): Order {
	/** In the order they come. Those told stand by themselves. */
	const queue: Array<Directory | Rest> = [root]
	/** Those of the queue that were visited: what is in them follows. */
	const visited = new Set<Directory>()

	const restIndex = () => queue.findIndex(isRest)

	function takeFrom(index: number): Directory {
		const rest = queue[index] as Rest
		const child = rest.children[rest.next++]
		if (rest.next === rest.children.length) queue.splice(index, 1)
		return { ...child, path: joinPath(rest.above.path, child.name), generation: rest.above.generation }
	}

	return {
		next() {
			for (let first = queue[0]; first; first = queue[0]) {
				if (isRest(first)) return takeFrom(0)
				queue.shift()
				if (!visited.delete(first)) return first
			}
			return undefined
		},
		upcoming() {
			const before = restIndex()
			if (before < 0 || before + TOLD_AT_ONCE > TOLD_MAX || (before > 0 && queue.length > TOLD_IN_ALL_MAX)) return []
			const { children, next } = queue[before] as Rest
			const directories = Array.from({ length: Math.min(TOLD_AT_ONCE, children.length - next) }, () => takeFrom(before))
			queue.splice(before, 0, ...directories)
			return directories
		},
		early(isReady) {
			const end = restIndex()
			const told = queue.slice(0, end < 0 ? TOLD_MAX : Math.min(end, TOLD_MAX)) as Directory[]
			return told.find((directory) => !visited.has(directory) && isReady(directory))
		},
		enter(above, children) {
			const at = queue.indexOf(above)
			if (at >= 0) visited.add(above)
			if (children.length > 0) queue.splice(at + 1, 0, { above, children: children.sort((a, b) => a.name.compare(b.name)), next: 0 })
		},
	}
}

function isRest(each: Directory | Rest): each is Rest {
	return 'children' in each
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
