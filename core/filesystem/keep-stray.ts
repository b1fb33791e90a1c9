/** What stands on a node where the catalogue has something else: it is somebody's data, moved out of the way and never overwritten or removed. */
import * as conflicts from '../catalogue/conflicts.ts'
import { KIND } from '../catalogue/files.ts'
import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import { unlessGone } from '../nodes/lacking.ts'
import { isLeftOpen } from '../nodes/left-open.ts'
import type { Node } from '../nodes/node.ts'
import { S_IFDIR, S_IFMT } from '../nodes/stat.ts'
import { type Op, wait } from '../op.ts'
import { copyContent } from './copy-content.ts'
import { joinPath } from './directories.ts'
import type { Filesystem } from './filesystem.ts'
import { contentDiffers, type OpenFile } from './open-files.ts'
import { bringerOf, createStaged, newPlace } from './staged.ts'

/**
 * It is among the conflicts from then on, for the keeper to decide. `what` says for the log what it was; one that has gone meanwhile needs nothing. An empty
 * directory is nothing to keep: mostly somebody was about to bring a file there, and it is removed.
 */
export function* keepStray(fs: Filesystem, node: Node, path: Path, what = `an unknown file stood at ${path}`): Op<void> {
	try {
		const { mode, size, mtime } = yield* wait(node.operations.stat(path))
		if ((mode & S_IFMT) === S_IFDIR && (yield* isRemoved(fs, node, path))) return
		const aside = yield* keepAside(fs, node, path, { path, fileId: 0, reason: 'stray', size, mtime })
		fs.report(`node ${node.name}: ${what}, kept as ${aside}`)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
}

function* isRemoved(fs: Filesystem, node: Node, path: Path): Op<boolean> {
	if (yield* isRemovedEmpty(node, path)) return true
	return (yield* takeOutLeftOpen(fs, node, path)) && (yield* isRemovedEmpty(node, path))
}

/** What is in a directory and was removed already, if that is all there is. Whoever has it open does not notice; it goes with this client at the latest. */
function* takeOutLeftOpen(fs: Filesystem, { operations }: Node, directory: Path): Op<boolean> {
	const entries = yield* wait(operations.list(directory))
	if (!entries.every(({ name }) => isLeftOpen(name))) return false
	for (const { name } of entries) yield* unlessGone(operations.rename.bind(operations, joinPath(directory, name), newPlace(fs, bringerOf(fs))))
	return true
}

function* isRemovedEmpty({ operations }: Node, path: Path): Op<boolean> {
	try {
		yield* wait(operations.removeDirectory(path))
		return true
	} catch (error) {
		if (codeOf(error) !== 'ENOTEMPTY') throw error
		return false
	}
}

/** Somebody removed it, or put something there, meanwhile; it is no directory, or below something that is none. */
const OTHERWISE = new Set(['ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'ELOOP'])

/** Removed if there are only directories in it, and in those: nothing of what is kept goes. */
export function* removeHollow({ operations }: Node, path: Path): Op<boolean> {
	const directories: Path[] = [path]
	try {
		for (const directory of directories) {
			for (const { name, kind } of yield* wait(operations.list(directory))) {
				if (kind !== KIND.directory) return false
				directories.push(joinPath(directory, name))
			}
		}
		for (const directory of directories.reverse()) yield* wait(operations.removeDirectory(directory))
		return true
	} catch (error) {
		if (!OTHERWISE.has(codeOf(error))) throw error
		return false
	}
}

/** What was written to a file while others made it another, by whoever closes it last. A copy: there may be no name for it on the node any more. */
export function* keepWritten(fs: Filesystem, file: OpenFile): Op<void> {
	const { id, node, path, fd, known, row } = file
	const { operations } = node
	const written = yield* wait(operations.fstat(fd))
	if (!contentDiffers(written, known)) return
	// Should this process end meanwhile it goes, as content does that was being brought.
	const place = newPlace(fs, bringerOf(fs))
	const copy = yield* createStaged(node, place, row)
	try {
		yield* copyContent(file, { node, fd: copy })
	} catch (error) {
		yield* wait(operations.unlink(place))
		throw error
	} finally {
		yield* wait(operations.close(copy))
	}
	const aside = yield* keepAside(fs, node, place, { path, fileId: id, reason: 'differs', size: written.size, mtime: written.mtime })
	fs.report(`node ${node.name}: what was written to ${path}, and is not that file any more, is kept as ${aside}`)
}

/** What stands at `from`, and a row that says what it is. */
function* keepAside(fs: Filesystem, node: Node, from: Path, conflict: Omit<conflicts.Conflict, 'nodeId' | 'aside'>): Op<Path> {
	const aside = yield* wait(node.operations.setAside(from))
	fs.later.add(conflicts.insertQuery({ ...conflict, nodeId: node.id, aside }, fs.capabilities))
	return aside
}
