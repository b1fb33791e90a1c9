/**
 * Directories are made on a node before the catalogue is asked for the last time: meanwhile it may have said, and the node may have carried out, that one
 * of them goes or is elsewhere. Made again then, it would stand there empty and known to nobody, and a walk would bring it back.
 */
import type { Transaction } from '../catalogue/driver.ts'
import { KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import { NO_FILE } from '../catalogue/intents.ts'
import type { Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOut, intend } from './intents.ts'
import { namesOf, rowsAlong } from './owner-of.ts'

/** Those above a path that the catalogue does not have are removed from the node, the lowest first. */
export function* takeBackWay(fs: Filesystem, node: Node, path: Path): Op<void> {
	const token = fs.nextToken++
	try {
		const made = yield* wait(
			transact(fs, function* (tx) {
				const unknown = yield* unknownAbove(fs, tx, path)
				const list = unknown.map((each): Intent => ({ nodeId: node.id, op: 'rmdir', path: each, toPath: null, fileId: NO_FILE, token }))
				return yield* intend(fs, tx, list, true)
			}),
		)
		yield* carryOut(fs, made)
	} catch (error) {
		// What the caller was about has ended one way or the other.
		fs.report(`node ${node.name}: an empty directory above ${path} may be left: ${(error as Error).message}`)
	}
}

/**
 * Locked as they are: whoever makes one of them does so before, and is seen, or afterwards, and sees the intent. None where a file has the name of one by
 * now: that is what stands there, or is on its way.
 */
function* unknownAbove(fs: Filesystem, tx: Transaction, path: Path): Op<Path[]> {
	const names = namesOf(path).slice(0, -1)
	const known = yield* rowsAlong(fs, tx, names)
	if (known.some(({ kind }) => kind !== KIND.directory)) return []
	const paths = names.map((_, index) => names.slice(0, index + 1).reduce(joinPath))
	return paths.slice(known.length).reverse()
}
