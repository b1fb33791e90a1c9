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
/** Told and to come before the next that could be told. Of new ones the threads have more to do, and what is told of them is less: see ahead.ts. */
const TOLD_MAX = 32
const TOLD_NEW_MAX = 128
/** In all, as long as some are to come before the next. */
const inAllMax = (toldMax: number) => 2 * toldMax

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
			if (before < 0) return []
			const { children, next } = queue[before] as Rest
			const most = children[next].isNew ? TOLD_NEW_MAX : TOLD_MAX
			if (before + TOLD_AT_ONCE > most || (before > 0 && queue.length > inAllMax(most))) return []
			const directories = Array.from({ length: Math.min(TOLD_AT_ONCE, children.length - next) }, () => takeFrom(before))
			queue.splice(before, 0, ...directories)
			return directories
		},
		early(isReady) {
			const end = restIndex()
			const told = queue.slice(0, end < 0 ? TOLD_NEW_MAX : Math.min(end, TOLD_NEW_MAX)) as Directory[]
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
