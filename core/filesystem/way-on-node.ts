/** Making a node ready to take a file at a path, before the catalogue says that it has it. */
import { codeOf, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import { isNodeTrouble } from '../intents.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { makeParents } from './materialise.ts'

const SLASH = 0x2f
const S_IFMT = 0o170000
const S_IFDIR = 0o040000

/**
 * The directories that lead there are made, with the attributes they should have; `made` has the path then. Fails where the node cannot have such a
 * name.
 */
export function* makeReady(fs: Filesystem, node: Node, { parent, path, made }: { parent: FileId; path: Path; made: Path[] }): Op<void> {
	try {
		yield* statName(node, path)
	} catch (error) {
		const code = codeOf(error)
		if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw error
		if (code !== 'ENOENT') yield* clearWay(fs, node, path)
		made.push(path)
		yield* makeParents(fs, node, parent)
	}
}

/** What stands at a path that the catalogue has just given to somebody else is somebody's data: out of the way, never overwritten. */
export function* makeRoom(fs: Filesystem, node: Node, path: Path): Op<void> {
	try {
		if (yield* statName(node, path)) yield* setAside(fs, node, path)
	} catch (error) {
		// The intent stands, and is carried out when the node is well.
		if (!isNodeTrouble(error) && codeOf(error) !== 'ENOENT') throw error
	}
}

/** Something that is no directory, where the catalogue has one, is unknown to it. */
function* clearWay(fs: Filesystem, node: Node, path: Path): Op<void> {
	for (let slash = path.indexOf(SLASH); slash !== -1; slash = path.indexOf(SLASH, slash + 1)) {
		const above = path.subarray(0, slash)
		const { mode } = yield* wait(node.operations.stat(above))
		if ((mode & S_IFMT) === S_IFDIR) continue
		return yield* setAside(fs, node, above)
	}
}

function* statName(node: Node, path: Path): Op<boolean> {
	const slash = path.lastIndexOf(SLASH)
	const [found] = yield* wait(node.operations.statNames(path.subarray(0, Math.max(0, slash)), [path.subarray(slash + 1)]))
	return typeof found === 'string' ? fail(found) : found !== undefined
}

function* setAside(fs: Filesystem, node: Node, path: Path): Op<void> {
	const aside = yield* wait(node.operations.setAside(path))
	fs.report(`node ${node.name}: an unknown file stood at ${path}, kept as ${aside}`)
}
