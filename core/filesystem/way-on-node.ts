/** Making a node ready to take a file at a path, before the catalogue says that it has it. */
import { codeOf, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import { isNodeTrouble } from '../intents.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { keepStray } from './keep-stray.ts'
import { isNoDirectory, makeParents } from './materialise.ts'

const SLASH = 0x2f

/**
 * The directories that lead there are made, with the attributes they should have; `made` has the path then. Fails where the node cannot have such a
 * name.
 */
export function* makeReady(fs: Filesystem, node: Node, { parent, path, made }: { parent: FileId; path: Path; made: Path[] }): Op<void> {
	try {
		yield* statName(node, path)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && !isNoDirectory(error)) throw error
		made.push(path)
		yield* makeParents(fs, node, parent)
	}
}

/** What stands at a path that the catalogue has just given to somebody else is somebody's data: out of the way, never overwritten. */
export function* makeRoom(fs: Filesystem, node: Node, path: Path): Op<void> {
	try {
		if (yield* statName(node, path)) yield* keepStray(fs, node, path)
	} catch (error) {
		// The intent stands, and is carried out when the node is well.
		if (!isNodeTrouble(error) && codeOf(error) !== 'ENOENT') throw error
	}
}

function* statName(node: Node, path: Path): Op<boolean> {
	const slash = path.lastIndexOf(SLASH)
	const [found] = yield* wait(node.operations.statNames(path.subarray(0, Math.max(0, slash)), [path.subarray(slash + 1)]))
	return typeof found === 'string' ? fail(found) : found !== undefined
}
