/** A new file comes to a node. Its name was seen from the commit on, and until it is there others may take it for another file. */
import type { FileRow } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import { codeOf, Errno } from '../errors.ts'
import type { FileId, NodeId, Path } from '../ids.ts'
import { carryOut } from '../intents.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { type Held, hold } from './hold.ts'
import { keepStray } from './keep-stray.ts'
import { isNoDirectory, makeParents } from './materialise.ts'
import { newOpenFile, type OpenFile } from './open-files.ts'
import type { NamedPath } from './paths.ts'
import { decided } from './undecided.ts'
import { takeBack, undoLater } from './undo-create.ts'

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
				yield* moveCreation(fs, id, holder, node.id)
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

/** Whatever was said of the last: the row is where the file will be, or nothing is written to it. */
function moveCreation(fs: Filesystem, id: FileId, from: NodeId, to: NodeId): Op<void> {
	return decided(fs, function* (tx) {
		replicas.moveTo(tx, id, from, to)
		writers.moveTo(tx, id, fs.client, to)
	})
}

function* comeTo(fs: Filesystem, node: Node, entered: Entered): Op<OpenFile> {
	const { row, path } = entered
	const fd = yield* createUnheld(fs, node, entered)
	if (fd === undefined) return yield* comeHeld(fs, node, entered)
	return newlyOpen({ row, node, path, fd, known: yield* wait(node.operations.fstat(fd)), entered: row })
}

function newlyOpen({ entered, ...opened }: Pick<OpenFile, 'row' | 'node' | 'path' | 'fd' | 'known' | 'entered'>): OpenFile {
	return Object.assign(newOpenFile({ ...opened, writable: true }), { handles: 1, writers: 1, entered })
}

interface There {
	fd: number
	known: Stat
}

/** Where it belongs now. What stands there while the path is held is unknown to the catalogue. */
function* comeHeld(fs: Filesystem, node: Node, { row, path }: Entered): Op<OpenFile> {
	const held = yield* hold(fs, node, row.id, path)
	const there = yield* landHeld(fs, node, held, row)
	yield* carryOut(fs, held.made)
	const file = newlyOpen({ ...there, node, path: held.path, row: held.row ?? { ...row, nlink: 0 }, entered: undefined })
	file.orphan = held.row === undefined
	return file
}

function* landHeld(fs: Filesystem, node: Node, held: Held, row: FileRow): Op<There> {
	try {
		return yield* createHeld(fs, node, held, row)
	} catch (error) {
		for (const intent of held.made) fs.later.add(intents.leaveQuery(fs.client, intent))
		throw error
	}
}

/** Undefined where something stands in the way: it may be another's. */
function* createUnheld(fs: Filesystem, node: Node, { row, parent, path }: Entered): Op<number | undefined> {
	for (let isAgain = false; ; isAgain = true) {
		try {
			return yield* wait(node.operations.create(path, row))
		} catch (error) {
			if (codeOf(error) === 'EEXIST') return undefined
			if (!isWayMissing(error) || isAgain) return yield* failed(fs, node, row.id, path, error)
		}
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
			else yield* makeParents(fs, node, parent)
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
