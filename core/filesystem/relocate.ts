/**
 * Nodes that fill up. What is being written moves to a node that has room, and the call that did not fit is made there.
 *
 * The content is copied to a place of the new node that no name leads to. One transaction then gives the catalogue's word:
 * this node has the file, and intents bring the copy to its name and remove the old one. Before it the old copy is the
 * file and an intent is there to remove the new one; after it the intents bring about the rest. So whenever this process
 * ends, whoever settles what it left finds everything that was acknowledged.
 */
import { randomUUID } from 'node:crypto'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import { codeOf } from '../errors.ts'
import type { NodeId, Path } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { isPromise, type Maybe, type Op, run, wait } from '../op.ts'
import { classById, nodesForNewFile, takesNewFiles } from '../placement/placement.ts'
import { freeBytes, hasRefused } from '../placement/room.ts'
import { copyContent } from './copy-content.ts'
import { carryOut, intend } from './intents.ts'
import { unobstructed } from './obstructed.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { hold } from './hold.ts'
import { keepStray } from './keep-stray.ts'
import { makeParentsHeld } from './materialise.ts'
import { checkNodes } from './nodes.ts'
import type { OpenFile } from './open-files.ts'
import { pathsOfNames } from './paths.ts'
import { contentOf, record } from './next-version.ts'
import { publish } from './publish.ts'
import { decided } from './undecided.ts'

const INCOMING = '.cairn/incoming'
/** A file with more hard links stays where it is. */
const NAMES_MAX = 100
/** What a filesystem needs for itself to take a file. */
const OVERHEAD_BYTES = 256 * 1024
const BLOCK_BYTES = 512

interface Need {
	/** Of room, for what is about to come. */
	bytes: number
	/** Called before anything is waited for: what the call uses may not outlive the turn. */
	keep?: () => void
}

/** A call that changes the content. Where the node has no room for it, the file moves to one that has, and it is made there. */
export function* withRoom<T>(fs: Filesystem, file: OpenFile, call: () => Maybe<T>, { bytes, keep }: Need): Op<T> {
	const refused: NodeId[] = []
	for (;;) {
		if (file.moving) keep?.()
		while (file.moving) yield* wait(file.moving)
		const { node } = file
		try {
			return yield* changing(file, call)
		} catch (error) {
			if (!isOutOfRoom(error)) throw error
			keep?.()
			refused.push(node.id)
			hasRefused(node)
			if (!(yield* relocate(fs, file, bytes, refused))) throw error
		}
	}
}

export function isOutOfRoom(error: unknown): boolean {
	return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
}

/** A change that is under way on a remote node has to have ended before the file can be copied. */
function* changing<T>(file: OpenFile, call: () => Maybe<T>): Op<T> {
	file.changes++
	const result = call()
	if (!isPromise(result)) return result
	const end = () => {
		file.changes++
		file.changing.delete(ended)
	}
	const ended: Promise<void> = result.then(end, end)
	file.changing.add(ended)
	return yield* wait(result)
}

/** True when the file is on another node now than on one of those that refused. */
function* relocate(fs: Filesystem, file: OpenFile, bytes: number, refused: readonly NodeId[]): Op<boolean> {
	// The kernel goes on writing to the backing file it was given.
	if (file.lent) return false
	// A new file may not be known to have content yet, and one whose directory was moved not where it should be.
	yield* publish(fs, file)
	while (file.publishing) yield* wait(file.publishing)
	if (!refused.includes(file.node.id)) return true
	const result = run(moveToRoom(fs, file, bytes, refused))
	if (!isPromise(result)) return result
	const ended = () => undefined
	file.moving = file.publishing = result.then(ended, ended)
	try {
		return yield* wait(result)
	} finally {
		file.moving = file.publishing = undefined
	}
}

function* moveToRoom(fs: Filesystem, file: OpenFile, bytes: number, refused: readonly NodeId[]): Op<boolean> {
	while (file.changing.size > 0) yield* wait(Promise.all(file.changing))
	const { blocks } = yield* wait(file.node.operations.fstat(file.fd))
	const neededBytes = blocks * BLOCK_BYTES + bytes + OVERHEAD_BYTES
	for (const move of yield* possibleMoves(fs, file, neededBytes, refused)) {
		if (yield* attempt(fs, file, move)) return true
	}
	return false
}

interface Move {
	to: Node
	/** A place on that node which no name leads to. */
	aside: Path
	/** Removes it, should it never be the file. */
	leftover: Intent
	/** An older copy stands at the file's path there and is to be replaced. */
	replaces: boolean
}

/** Nodes with room, best first; one that has an older copy of the file holds both for a moment and comes last. */
function* possibleMoves(fs: Filesystem, file: OpenFile, neededBytes: number, refused: readonly NodeId[]): Op<Move[]> {
	const [names, copies, pins] = (yield* wait(
		fs.catalogue.read(entries.namesQuery(file.id, NAMES_MAX), replicas.ofFileQuery(file.id), writers.ofFileQuery(file.id)),
	)) as [EntryRow[], ReplicaRow[], WriterRow[]]
	if (!mayMove(fs, names, pins)) return []
	let nodes = nodesForNewFile(fs, classById(fs, file.row.class_id)).filter((node) => !refused.includes(node.id) && freeBytes(node) > neededBytes)
	for (const { path } of yield* pathsOfNames(fs, names)) nodes = yield* unobstructed(fs, nodes, path)
	const holders = new Set(copies.map((copy) => copy.node_id))
	const moves = nodes.map((to) => newMove(fs, file, to, holders.has(to.id)))
	return [...moves.filter((move) => !move.replaces), ...moves.filter((move) => move.replaces && names.length <= 1)]
}

/** Not while another client writes to the copy that is to go. */
function mayMove(fs: Filesystem, names: readonly EntryRow[], pins: readonly WriterRow[]): boolean {
	return names.length < NAMES_MAX && pins.every((pin) => pin.client_id === fs.client)
}

function newMove(fs: Filesystem, file: OpenFile, to: Node, replaces: boolean): Move {
	const aside = Buffer.from(`${INCOMING}/${file.id}-${randomUUID()}`)
	const leftover: Intent = { nodeId: to.id, op: 'unlink', path: aside, toPath: null, fileId: file.id, token: fs.nextToken++ }
	return { to, aside, leftover, replaces }
}

/** True when the file is there now; else everything is as it was. */
function* attempt(fs: Filesystem, file: OpenFile, move: Move): Op<boolean> {
	yield* wait(transact(fs, (tx) => intend(fs, tx, [move.leftover], false)))
	const copy = yield* copyAside(fs, file, move)
	try {
		if (copy && (yield* moveOver(fs, file, move, copy))) return true
	} catch (error) {
		// Perhaps the catalogue has it and could not say so. Then this row is gone, and nobody removes the copy.
		fs.later.add(intents.leaveQuery(fs.client, move.leftover))
		throw error
	} finally {
		if (copy && file.fd !== copy.fd) yield* wait(move.to.operations.close(copy.fd))
	}
	yield* carryOut(fs, [move.leftover])
	return false
}

interface Copy {
	fd: number
	stat: Stat
}

function* copyAside(fs: Filesystem, file: OpenFile, { to, aside, replaces }: Move): Op<Copy | undefined> {
	let fd: number | undefined
	try {
		if (!replaces) yield* prepareNames(fs, file, to)
		fd = yield* wait(to.operations.create(aside, file.row))
		return { fd, stat: yield* copyContent(file, { node: to, fd }) }
	} catch (error) {
		if (fd !== undefined) yield* wait(to.operations.close(fd))
		if (!isNodeTrouble(error)) throw error
		fs.report(`node ${to.name}: did not take a file that outgrew node ${file.node.name}: ${(error as Error).message}`)
		return undefined
	}
}

/** False when the catalogue does not allow it any more. */
function* moveOver(fs: Filesystem, file: OpenFile, move: Move, copy: Copy): Op<boolean> {
	const from = file.node
	const { fd } = file
	const token = fs.nextToken++
	// Content that goes on being written to the one copy when the catalogue has the other would be lost.
	const entered = yield* decided(fs, (tx) => enterMove(fs, tx, { file, move, stat: copy.stat, token }))
	if (!entered) return false
	const { row, path, made } = entered
	Object.assign(file, { node: move.to, fd: copy.fd, era: move.to.health.era, path, known: copy.stat, writable: true, knownAtMs: Date.now(), published: true })
	if (row) {
		file.row = row
		fs.carrying.delete(move.leftover.token)
	}
	fs.readAhead.forgetFile(file.id)
	try {
		// The old copy may only go when nothing can bring back a catalogue that believes in it.
		yield* wait(fs.catalogue.sync())
	} finally {
		yield* carryOut(fs, made)
		yield* letGo(file, from, fd)
	}
	return true
}

/** The room the old copy takes is free when it is closed. On a remote node a read may still be using it, and so may another thread. */
function* letGo(file: OpenFile, node: Node, fd: number): Op<void> {
	if (node.remote || file.aside > 0) file.retired.push({ node, fd })
	else yield* wait(node.operations.close(fd))
}

/** Directories with the attributes they should have; an unknown file that has a name there is kept out of the way. */
function* prepareNames(fs: Filesystem, file: OpenFile, node: Node): Op<void> {
	const held = yield* hold(fs, node, file.id)
	try {
		for (const { parent, path } of held.row ? [held, ...held.others] : []) {
			yield* makeParentsHeld(fs, node, parent)
			yield* keepStray(fs, node, path)
		}
	} finally {
		yield* carryOut(fs, held.made)
	}
}

interface Entered {
	/** Undefined of a file that has no name any more. */
	row: FileRow | undefined
	path: Path
	made: Intent[]
}

function* enterMove(
	fs: Filesystem,
	tx: Transaction,
	{ file, move, stat, token }: { file: OpenFile; move: Move; stat: Stat; token: number },
): Op<Entered | undefined> {
	const { forUpdate } = fs.capabilities
	const { id } = file
	const [[row], pins, names] = (yield* wait(
		tx.read(files.findQuery(id, forUpdate), writers.ofFileQuery(id, forUpdate), entries.namesQuery(id, NAMES_MAX)),
	)) as [FileRow[], WriterRow[], EntryRow[]]
	if (!mayMove(fs, names, pins)) return undefined
	// Others took this process for dead, and may write to another copy.
	if (row && pins.length === 0) return undefined
	yield* checkNodes(fs, tx)
	if (!takesNewFiles(move.to)) return undefined
	writers.moveTo(tx, id, fs.client, move.to.id)
	// Of a file without a name the copy lives as long as it is open, and its removal stands already.
	if (!row) return { row, path: move.aside, made: [move.leftover] }
	tx.write(...intents.doneQuery(fs.client, move.leftover))
	replicas.remove(tx, id, file.node.id)
	replicas.remove(tx, id, move.to.id)
	replicas.insert(tx, id, move.to.id, row.version, REPLICA.good)
	const next = yield* record(fs, tx, { ...contentOf(file, stat), nodeId: move.to.id })
	const paths = (yield* pathsOfNames(fs, names, tx)).map(({ path }) => path)
	const made = yield* intend(fs, tx, changesOfTrees({ row, move, from: file.node.id, paths, token }), true)
	return { row: next, path: paths[0], made }
}

/** The copy gets the file's names on the one node, the old one loses them on the other. */
function changesOfTrees({ row, move, from, paths, token }: { row: FileRow; move: Move; from: NodeId; paths: Path[]; token: number }): Intent[] {
	const common = { fileId: row.id, token } as const
	const arrival = { ...common, nodeId: move.to.id }
	const hasXattrs = (row.flags & files.FLAG_HAS_XATTRS) !== 0
	return [
		{ ...arrival, op: 'rename', path: move.aside, toPath: paths[0], isNew: !move.replaces },
		...(hasXattrs ? [{ ...arrival, op: 'xattrs' as const, path: paths[0], toPath: null }] : []),
		...paths.slice(1).map((path, index): Intent => ({ ...arrival, op: 'link', path: paths[index], toPath: path })),
		...paths.map((path): Intent => ({ ...common, nodeId: from, op: 'unlink', path, toPath: null })),
	]
}
