/**
 * What an intent does to a node's tree. Every step here may be done twice with the same result, because whoever finds the row
 * after a crash cannot know how far the other came.
 */
import type { Intent } from '../catalogue/intents.ts'
import { NO_FILE } from '../catalogue/intents.ts'
import * as files from '../catalogue/files.ts'
import * as writers from '../catalogue/writers.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { codeOf } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import { exists, unlessGone } from '../nodes/lacking.ts'
import type { Node } from '../nodes/node.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { isKeptOnNodes } from '../nodes/xattrs.ts'
import { type Op, run, wait } from '../op.ts'
import { exchange, holdOf } from './exchange.ts'
import type { Filesystem } from './filesystem.ts'
import { keepStray, removeHollow } from './keep-stray.ts'
import { isNoDirectory, makeParentsHeld } from './materialise.ts'
import { isUnused } from './opening.ts'
import { pathsOf } from './paths.ts'
import { resolve } from './resolve.ts'

const NAMES_MAX = 100
const OWN = Buffer.from('.cairn/')

type Deed = Pick<Intent, 'op' | 'path' | 'toPath' | 'fileId' | 'token' | 'isNew' | 'replaces'>

/** What the operating system answers when something unknown stands in the way. */
const IN_THE_WAY = new Set(['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'ELOOP'])
const CANNOT_BE_OBSTRUCTED: ReadonlySet<string> = new Set(['attributes', 'xattrs', 'exchange'])
const REMOVES: ReadonlySet<string> = new Set(['unlink', 'rmdir'])
const HAS_SOURCE: ReadonlySet<string> = new Set(['rename', 'move', 'link'])
const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST'])
/** Whoever may not open the copy cannot set them: they are the catalogue's first of all. */
const NOT_ALLOWED = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * One intent on one node. Throws when the node is in trouble and it has to be tried again. What the node refuses for good
 * (an owner it does not know, a name it cannot hold) is reported: the catalogue's word stands, and trying for ever would
 * keep everything behind it waiting.
 */
export function* applyIntent(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	try {
		yield* withWayMade(fs, node, intent)
	} catch (error) {
		if (isNodeTrouble(error) && !isNoSuchThing(intent, error)) throw error
		fs.report(`node ${node.name}: ${intent.op} of ${intent.path} is refused: ${(error as Error).message}`)
	}
}

/** What the kernel says of a filesystem that knows no hard links, or no symbolic ones. */
function isNoSuchThing({ op }: Deed, error: unknown): boolean {
	return (op === 'link' || op === 'symlink') && codeOf(error) === 'EPERM'
}

function* withWayMade(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	try {
		yield* leadTo(fs, node, intent)
		yield* step(fs, node, intent)
	} catch (error) {
		if (!IN_THE_WAY.has(codeOf(error)) || CANNOT_BE_OBSTRUCTED.has(intent.op)) throw error
		if (REMOVES.has(intent.op) && isOthers(intent, codeOf(error))) return
		if (HAS_SOURCE.has(intent.op) && (yield* isGone(node, intent.path))) return
		yield* makeWay(fs, node, intent, error as Error)
	}
}

/** Directories that the node has yet to get have the attributes they should have: those it makes by itself anybody may enter. Whoever brings a file from our own folder has made them. */
function* leadTo(fs: Filesystem, node: Node, { op, path, toPath, fileId }: Deed): Op<void> {
	const to = toPath as Path
	if (HAS_SOURCE.has(op) && (yield* isMissing(node, path, to))) yield* makeDirectoriesOf(fs, node, fileId, to)
	if (op !== 'exchange') return
	if (yield* isMissing(node, path, to)) yield* makeDirectory(fs, node, directoryOf(to))
	if (yield* isMissing(node, to, path)) yield* makeDirectory(fs, node, directoryOf(path))
}

/** The directory to which something there goes. */
function* isMissing(node: Node, from: Path, to: Path): Op<boolean> {
	const directory = directoryOf(to)
	if (directory.length === 0 || directory.equals(directoryOf(from)) || from.subarray(0, OWN.length).equals(OWN)) return false
	return !(yield* exists(node, directory)) && (yield* exists(node, from))
}

function directoryOf(path: Path): Path {
	return path.subarray(0, Math.max(0, path.lastIndexOf('/')))
}

function* makeDirectoriesOf(fs: Filesystem, node: Node, id: FileId, path: Path): Op<void> {
	const named = (yield* pathsOf(fs, id, NAMES_MAX)).find((name) => name.path.equals(path))
	if (named) yield* makeParentsHeld(fs, node, named.parent)
}

/** One that has been moved meanwhile is made by the node. */
function* makeDirectory(fs: Filesystem, node: Node, path: Path): Op<void> {
	try {
		const { row } = yield* resolve(fs, path, { follow: false })
		if (row?.kind === files.KIND.directory) yield* makeParentsHeld(fs, node, row.id)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && !isNoDirectory(error)) throw error
	}
}

/** Also where something on the way to it is no directory: nothing stands in the way of what is not there. */
function* isGone(node: Node, path: Path): Op<boolean> {
	try {
		return !(yield* exists(node, path))
	} catch (error) {
		if (!isNoDirectory(error)) throw error
		return true
	}
}

/** Of what is to be removed there is nothing, and what stands there stays. So does what is in a directory that no file is: whoever made that takes it back. */
function isOthers({ fileId }: Deed, code: string): boolean {
	return fileId === NO_FILE || !NOT_EMPTY.has(code)
}

function* step(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	const { operations } = node
	const to = intent.toPath as Path
	switch (intent.op) {
		case 'unlink':
			return yield* wait(operations.unlink(intent.path))
		case 'rmdir':
			return yield* wait(operations.removeDirectory(intent.path))
		case 'rename':
			return yield* rename(node, intent)
		case 'move':
			if (yield* exists(node, to)) return
			return yield* unlessGone(operations.rename.bind(operations, intent.path, to))
		case 'link':
			return yield* unlessGone(operations.link.bind(operations, intent.path, to))
		case 'symlink':
			yield* wait(operations.symlink(to, intent.path))
			return yield* applyAttributes(fs, node, intent)
		case 'exchange':
			fs.nodesMarked.add(node.id)
			return yield* exchange(node, intent.path, to, intent.token)
		case 'attributes':
			return yield* applyAttributes(fs, node, intent)
		case 'xattrs':
			return yield* applyXattrs(fs, node, intent)
	}
}

/** Across a network what is not there may have been renamed by a call whose answer was lost: there the replaced file is left to who comes to its name. */
function* rename({ operations, remote }: Node, { path, toPath, isNew, replaces }: Deed): Op<void> {
	try {
		yield* wait(operations.rename(path, toPath as Path, isNew))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		if (replaces && !remote) yield* wait(operations.unlink(toPath as Path))
	}
}

/** The attributes the catalogue has now, so that late and repeated ones end the same. */
function* applyAttributes(fs: Filesystem, node: Node, intent: { path: Path; fileId: number }): Op<void> {
	const [[row], pins] = (yield* wait(
		fs.catalogue.read(files.findQuery(intent.fileId), writers.ofFileQuery(intent.fileId)),
	)) as [files.FileRow[], writers.WriterRow[]]
	if (!row) return
	const mode = row.kind === files.KIND.symlink ? undefined : row.mode
	const owner = { mode, uid: row.uid, gid: row.gid }
	// Where the file is being written, its times are the disk's to tell until it is published.
	const times = { atime: row.atime, atimeNs: row.atime_ns, mtime: row.mtime, mtimeNs: row.mtime_ns }
	// Of this process's pins some are about to be removed: nobody writes by them any more.
	const beingWritten = pins.some((pin) => pin.node_id === node.id && !(pin.client_id === fs.client && isUnused(fs, row.id)))
	yield* unlessGone(() => node.operations.setAttributes(intent.path, beingWritten ? owner : { ...owner, ...times }))
}

/** Those the catalogue has now. */
function* applyXattrs(fs: Filesystem, node: Node, { path, fileId }: Deed): Op<void> {
	const [[row], all] = (yield* wait(fs.catalogue.read(files.findQuery(fileId), xattrs.ofFileQuery(fileId)))) as [files.FileRow[], xattrs.XattrRow[]]
	if (!row) return
	try {
		yield* unlessGone(() => node.operations.setXattrs(path, all.filter(({ name }) => isKeptOnNodes(name))))
	} catch (error) {
		if (!NOT_ALLOWED.has(codeOf(error))) throw error
	}
}

/**
 * Something stands in the way that the catalogue does not know of (a stray file of that name, a directory that is not
 * empty), or where one of the directories above should be. It is nobody's to delete: it is set aside, and the intent is tried once more.
 */
function* makeWay(fs: Filesystem, node: Node, intent: Deed, why: Error): Op<void> {
	const inTheWay = HAS_SOURCE.has(intent.op) ? (intent.toPath as Path) : intent.path
	try {
		// Somebody was about to bring a file there, and has made directories for it.
		const wasHollow = yield* removeHollow(node, inTheWay)
		if (wasHollow && intent.op === 'rmdir') return
		if (!wasHollow) yield* keepStray(fs, node, inTheWay, `${inTheWay} stood in the way of ${intent.op} (${why.message})`)
	} catch (error) {
		if (!isNoDirectory(error)) throw error
		yield* makeDirectoriesOf(fs, node, intent.fileId, inTheWay)
	}
	yield* unlessGone(() => run(step(fs, node, intent)))
}

/** Somebody may have carried it out, or a part of it. */
export function* mayHaveBegun(node: Node, { op, path, toPath, token }: Deed): Op<boolean> {
	const isThere = function* (at: Path) {
		return (yield* wait(node.operations.inode(at))) !== undefined
	}
	if (op === 'exchange') return yield* isThere(Buffer.from(holdOf(token)))
	return op === 'link' ? yield* isThere(toPath as Path) : !(yield* isThere(path))
}
