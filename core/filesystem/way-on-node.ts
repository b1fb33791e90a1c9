/** Making a node ready to take a file at a path, before the catalogue says that it has it: for whoever holds no path there (see hold.ts). */
import { codeOf, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { hold } from './hold.ts'
import { carryOut } from './intents.ts'
import { isNoDirectory, makeAll, makeHeld, type Wanted } from './materialise.ts'
import { isObstructed } from './obstructed.ts'

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
		if (yield* isObstructed(fs, node, path)) return false
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

/** The directory on the node, and what is missing above it; for whoever holds no path there. */
export function makeParents(fs: Filesystem, node: Node, directory: FileId): Op<void> {
	return makeAll(fs, node, directory, makeDirectory)
}

/**
 * What has the name there and is none may be another's, of whom it is yet to be carried out that he goes elsewhere: it is nobody's if it still
 * stands there while the path is held. Nothing is made where the directory has moved meanwhile.
 */
export function* makeDirectory(fs: Filesystem, node: Node, wanted: Wanted): Op<void> {
	try {
		return yield* wait(node.operations.makeDirectory(wanted.path, wanted.attributes))
	} catch (error) {
		if (codeOf(error) !== 'EEXIST' && !isNoDirectory(error)) throw error
	}
	const held = yield* hold(fs, node, wanted.id, wanted.path)
	try {
		if (held.row && held.path.equals(wanted.path)) yield* makeHeld(fs, node, wanted)
	} finally {
		yield* carryOut(fs, held.made)
	}
}
