/** Making a node ready to take a file at a path, before the catalogue says that it has it. */
import { codeOf, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { unobstructed } from './create.ts'
import type { Filesystem } from './filesystem.ts'
import { isNoDirectory, makeParents } from './materialise.ts'

const SLASH = 0x2f

/**
 * The directories that lead there are made, with the attributes they should have; `made` has the path then. Not yet where something stands to be carried
 * out on the way: that is false. Fails where the node cannot have such a name.
 */
export function* makeReady(fs: Filesystem, node: Node, { parent, path, made }: { parent: FileId; path: Path; made: Path[] }): Op<boolean> {
	try {
		yield* statName(node, path)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && !isNoDirectory(error)) throw error
		if ((yield* unobstructed(fs, [node], path)).length === 0) return false
		made.push(path)
		yield* makeParents(fs, node, parent)
	}
	return true
}

function* statName(node: Node, path: Path): Op<void> {
	const slash = path.lastIndexOf(SLASH)
	const [found] = yield* wait(node.operations.statNames(path.subarray(0, Math.max(0, slash)), [path.subarray(slash + 1)]))
	if (typeof found === 'string') fail(found)
}
