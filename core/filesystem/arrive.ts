/**
 * A new file comes to a node. Its name was seen from the commit on, and until it is there others may give it away, or take it for another file: what is
 * not as it was when the file was entered is found out before its creator goes on, and the file put where it belongs by then.
 */
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import { codeOf, Errno, fail } from '../errors.ts'
import { type FileId, type Name, type NodeId, type Path, ROOT_ID } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { takesNewFiles } from '../placement/placement.ts'
import { isBehind } from './behind.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, runAside } from './filesystem.ts'
import { type Held, hold } from './hold.ts'
import { carryOut } from './intents.ts'
import { isAt } from './is-at.ts'
import { keepStray } from './keep-stray.ts'
import { isNoDirectory, makeParentsHeld } from './materialise.ts'
import { checkNodes } from './nodes.ts'
import { newOpenFile, type OpenFile } from './open-files.ts'
import { joinChain, type NamedPath } from './paths.ts'
import { decided } from './undecided.ts'
import { removeLeft, takeBack, undoLater } from './undo-create.ts'
import { makeParents } from './way-on-node.ts'

/** As it was entered. */
interface Entered extends NamedPath {
	row: FileRow
}

/** On the first node that takes it; the others that were tried get nothing. */
export function* arrive(fs: Filesystem, entered: Entered, nodes: readonly Node[]): Op<OpenFile> {
	const { id } = entered.row
	let holder: NodeId = nodes[0].id
	let failure: unknown
	for (const node of nodes) {
		try {
			if (node.id !== holder) {
				yield* moveCreation(fs, id, holder, node)
				holder = node.id
			}
			return yield* comeTo(fs, node, entered)
		} catch (error) {
			failure = worse(failure, error)
		}
	}
	yield* takeBack(fs, id)
	throw new Errno(codeOf(failure))
}

/** "No room" tells the caller more than "this one did not answer". */
function worse(a: unknown, b: unknown): unknown {
	return a !== undefined && (codeOf(a) === 'ENOSPC' || codeOf(b) !== 'ENOSPC') ? a : b
}

/**
 * Whatever was said of the last: the row is where the file will be, or nothing is written to it. Whoever does something with the file's names has it
 * locked, and tells the nodes it is on: either that one, which it comes to then, or it is known here that something was done.
 */
function moveCreation(fs: Filesystem, id: FileId, from: NodeId, to: Node): Op<void> {
	return decided(fs, function* (tx) {
		yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate)))
		yield* checkNodes(fs, tx)
		if (!takesNewFiles(to)) fail('EIO', `node ${to.name} takes no new files any more`)
		replicas.moveTo(tx, id, from, to.id)
		writers.moveTo(tx, id, fs.client, to.id)
	})
}

function* comeTo(fs: Filesystem, node: Node, entered: Entered): Op<OpenFile> {
	const { row, path } = entered
	const created = run(createUnheld(fs, node, entered))
	const fd = yield* wait(created)
	if (fd === undefined) return yield* comeHeld(fs, node, entered)
	try {
		const there = { fd, known: yield* wait(node.operations.fstat(fd)) }
		// Else everything since the commit was one turn, in which other processes had theirs.
		const isLate = isPromise(created) || !fs.capabilities.synchronous
		const isInDoubt = isLate ? mayBeMoved(fs, row.id) : isBehind(fs)
		if (!isInDoubt || (yield* isWhereItWas(fs, row.id, path))) return newlyOpen({ ...there, row, node, path, entered: row })
		return yield* comeHeld(fs, node, entered, there)
	} catch (error) {
		closeAside(fs, node, fd)
		yield* undoLater(fs, node, row.id, path)
		throw error
	}
}

/** Whether that succeeds is nothing to whoever made it: he has another, or none. */
function closeAside(fs: Filesystem, { name, operations }: Node, fd: number): void {
	const closing = function* () {
		yield* wait(operations.close(fd))
	}
	runAside(fs, `node ${name}: closing what is not used`, closing())
}

function newlyOpen({ entered, ...opened }: Pick<OpenFile, 'row' | 'node' | 'path' | 'fd' | 'known' | 'entered'>): OpenFile {
	return Object.assign(newOpenFile({ ...opened, writable: true }), { handles: 1, writers: 1, entered })
}

/** Of itself this process knows; others only change anything where there are others. */
function mayBeMoved(fs: Filesystem, id: FileId): boolean {
	return fs.shared || fs.arriving.get(id)?.isTouched === true || isBehind(fs)
}

/** That path is its only one. What is remembered of directories is not asked: somebody may have moved one. */
function* isWhereItWas(fs: Filesystem, id: FileId, path: Path): Op<boolean> {
	const chain = yield* wait(entries.chain(fs.catalogue, id))
	const isOnly = chain.filter((level) => level.id === id).length === 1
	return isOnly && joinChain(chain).equals(path)
}

interface There {
	fd: number
	known: Stat
}

/**
 * Where it belongs now. What stands there while the path is held is unknown to the catalogue; what was made where it belonged before is used if somebody has
 * moved it here, and left otherwise: nothing was written to it yet.
 */
function* comeHeld(fs: Filesystem, node: Node, { row, parent, path }: Entered, mine?: There): Op<OpenFile> {
	const held = yield* hold(fs, node, row.id, path)
	const there = yield* landHeld(fs, node, held, { row, parent, path }, mine)
	yield* carryOut(fs, held.made)
	const file = newlyOpen({ ...there, node, path: held.path, row: held.row ?? { ...row, nlink: 0 }, entered: undefined })
	file.orphan = held.row === undefined
	return file
}

function* landHeld(fs: Filesystem, node: Node, held: Held, entered: Entered, mine: There | undefined): Op<There> {
	const { row, path } = entered
	try {
		const isThere = mine && (!held.row || (yield* isAt(node, held.path, mine.known)))
		const there = isThere ? mine : yield* createHeld(fs, node, held, row)
		if (mine && !held.path.equals(path)) yield* leave(fs, node, entered, mine)
		if (mine && mine !== there) closeAside(fs, node, mine.fd)
		return there
	} catch (error) {
		for (const intent of held.made) fs.later.add(intents.leaveQuery(fs.client, intent))
		throw error
	}
}

/** Made in a directory that was moved in that moment it went along. */
function* leave(fs: Filesystem, node: Node, { row, parent, path }: Entered, mine: There): Op<void> {
	const above = parent === ROOT_ID ? [] : yield* wait(entries.chain(fs.catalogue, parent))
	const moved = above.length > 0 ? joinPath(joinChain(above), nameOf(path)) : path
	for (const at of moved.equals(path) ? [path] : [path, moved]) if (yield* isAt(node, at, mine.known)) yield* removeLeft(fs, node, row.id, at)
}

function nameOf(path: Path): Name {
	return path.subarray(path.lastIndexOf('/') + 1)
}

/** Undefined where something stands in the way: it may be another's. */
function* createUnheld(fs: Filesystem, node: Node, { row, parent, path }: Entered): Op<number | undefined> {
	for (let isAgain = false; ; isAgain = true) {
		try {
			return yield* wait(node.operations.create(path, row))
		} catch (error) {
			if (codeOf(error) === 'EEXIST' || (isAgain && isWayMissing(error))) return undefined
			if (!isWayMissing(error)) return yield* failed(fs, node, row.id, path, error)
		}
		if (mayBeMoved(fs, row.id) && !(yield* isWhereItWas(fs, row.id, path))) return undefined
		yield* makeParents(fs, node, parent)
	}
}

function* createHeld(fs: Filesystem, node: Node, { parent, path }: Held, row: FileRow): Op<There> {
	for (let isAgain = false; ; isAgain = true) {
		try {
			const fd = yield* wait(node.operations.create(path, row))
			return { fd, known: yield* wait(node.operations.fstat(fd)) }
		} catch (error) {
			const isInTheWay = codeOf(error) === 'EEXIST'
			if (isAgain || !(isInTheWay || isWayMissing(error))) return yield* failed(fs, node, row.id, path, error)
			if (isInTheWay) yield* keepStray(fs, node, path)
			else yield* makeParentsHeld(fs, node, parent)
		}
	}
}

function isWayMissing(error: unknown): boolean {
	return codeOf(error) === 'ENOENT' || isNoDirectory(error)
}

function* failed(fs: Filesystem, node: Node, id: FileId, path: Path, error: unknown): Op<never> {
	if (codeOf(error) === 'ETIMEDOUT') yield* undoLater(fs, node, id, path)
	throw error
}
