/** Moving a name. The catalogue's part is one row, however much is below a directory; on a node it is one rename(2). */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { ChainRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent, IntentOp } from '../catalogue/intents.ts'
import * as nodes from '../catalogue/nodes.ts'
import type { LocatedRow } from '../catalogue/paths.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { now, type Time } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId, Name, NodeId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { classOf } from '../placement/placement.ts'
import { joinPath } from './directories.ts'
import { located } from './expected.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { checkPlace, type Place, readPlaces } from './names.ts'
import { countMove, mayMoveDirectories, movedHere } from './places.ts'
import { hasPlainCopies, lostName, type Removal, removeEmptyDirectory, removeName } from './remove.ts'
import type { Turn } from './touched.ts'

export type RenameMode = 'replace' | 'noreplace' | 'exchange'

/** As `Check`, of both names. */
export type RenameCheck = (tx: Transaction, source: LocatedRow | undefined, target: LocatedRow | undefined) => Op<void>

interface Situation {
	/** The parents, or the one they both are. */
	directories: FileRow[]
	source: FileRow
	target: FileRow | undefined
	fromPath: Path
	toPath: Path
	/** Intents stand, on whatever. */
	standing: boolean
}

export function* rename(fs: Filesystem, from: Place, to: Place, mode: RenameMode, check?: RenameCheck): Op<void> {
	yield* renameAs(fs, { from, to, mode, check })
}

/** In place of whatever has the name, which goes to the name `aside` beside the source in the same step. ENOENT where nothing has it. */
export function* renameOver(fs: Filesystem, from: Place, to: Place, aside: Name, check?: RenameCheck): Op<void> {
	yield* renameAs(fs, { from, to, mode: 'exchange', aside, check })
}

function* renameAs(fs: Filesystem, asked: Asked): Op<void> {
	const { from, to, mode } = asked
	checkPlace(from)
	checkPlace(to)
	const time = now()
	const turns = new Map([from.parent, to.parent].map((id) => [id, fs.touched.begin(id)]))
	const { situation, made, moves } = yield* decided(fs, { ...asked, time, token: fs.nextToken++ })
	if (!made) return
	fs.readAhead.changedNames(from.parent)
	fs.readAhead.changedNames(to.parent, to.name)
	fs.readAhead.forgetFile(situation.source.id)
	rememberTouched(fs, situation, time, turns)
	if (situation.target && mode === 'replace') lostName(fs, situation.target, time)
	if (movesDirectory(situation)) movedHere(fs, moves)
	try {
		if (mode === 'replace' && isSafelySaved(fs, situation)) yield* wait(fs.catalogue.sync())
	} finally {
		yield* carryOutAfterwards(fs, made)
	}
}

/**
 * Written beside, brought to the disk, renamed over: whatever happens now, the name is to have the old content or the new. A catalogue
 * that has forgotten the rename while the node has not would find neither. Who does not ask for the disk does not wait for it.
 */
function isSafelySaved(fs: Filesystem, { source, target }: Situation): boolean {
	return fs.synced.delete(source.id) && target?.kind === KIND.regular && target.size > 0
}

interface Asked {
	from: Place
	to: Place
	mode: RenameMode
	/** Of an exchange: what would come to the source's name goes on to this one. */
	aside?: Name
	check: RenameCheck | undefined
}

interface Wish extends Asked {
	time: Time
	token: number
}

interface Decided {
	situation: Situation
	/** Nothing is made where both names lead to one file. */
	made?: Intent[]
	/** With this one, where a directory is moved. */
	moves?: number
}

function* decided(fs: Filesystem, wish: Wish): Op<Decided> {
	const seen = yield* wait(transact(fs, (tx) => decide(fs, tx, wish), { hold: [wish.from, wish.to] }))
	// A directory came to one of the names while the transaction began.
	return seen ?? (yield* wait(transact(fs, (tx) => decide(fs, tx, wish), { hold: 'alone' }))) ?? fail('EIO', 'the catalogue does not count moves of directories')
}

/** Undefined where a directory is to be moved and others may move one at the same time. */
function* decide(fs: Filesystem, tx: Transaction, { from, to, mode, aside, check, time, token }: Wish): Op<Decided | undefined> {
	const situation = yield* examine(fs, tx, from, to)
	if (movesDirectory(situation) && !mayMoveDirectories(fs, tx)) return undefined
	const { source, target } = situation
	if (mode === 'noreplace' && target) fail('EEXIST')
	if (mode === 'exchange' && !target) fail('ENOENT')
	if (check) yield* check(tx, yield* located(tx, source), yield* located(tx, target))
	if (target && target.id === source.id) return { situation }
	const nodes = movesDirectory(situation) ? yield* examineMove(tx, from, to, situation) : []
	const step = { from, to, situation, nodes, time, token }
	const plan = mode === 'exchange' ? yield* swap(fs, tx, step) : yield* move(fs, tx, step)
	if (aside) plan.push(...(yield* setAside(fs, tx, step, aside)))
	const made = yield* intend(fs, tx, plan, situation.standing)
	return { situation, made, moves: movesDirectory(situation) ? countMove(tx) : undefined }
}

function movesDirectory({ source, target }: Situation): boolean {
	return source.kind === KIND.directory || target?.kind === KIND.directory
}

/** Whatever the kernel asks for next: that directory, where no directory moved. */
function rememberTouched(fs: Filesystem, situation: Situation, time: Time, turns: ReadonlyMap<FileId, Turn>): void {
	const { directories, source, target } = situation
	for (const row of [source, target]) if (row) fs.touched.forget(row.id)
	const moves = movesDirectory(situation)
	for (const directory of directories) {
		const turn = turns.get(directory.id)
		if (moves || turn === undefined) fs.touched.forget(directory.id)
		else fs.touched.keep(turn, directory, time)
	}
}

function* examine(fs: Filesystem, tx: Transaction, from: Place, to: Place): Op<Situation> {
	// Directories are locked by id, so that two renames in opposite directions do not wait for each other.
	const parents = [...new Set([from.parent, to.parent])].sort((a, b) => a - b)
	const { directories, existing, standing } = yield* readPlaces(fs, tx, parents, [from, to])
	const [source, target] = existing
	if (!source) fail('ENOENT')
	const fromPath = joinPath(yield* fs.directories.path(tx, from.parent), from.name)
	const toPath = joinPath(yield* fs.directories.path(tx, to.parent), to.name)
	return { directories, source, target, fromPath, toPath, standing }
}

/**
 * A directory cannot become part of itself: then nothing would lead to it any more, so what is remembered is not asked. The nodes it may
 * have been made on, which are all, also such as this client has not heard of yet.
 */
function* examineMove(tx: Transaction, from: Place, to: Place, { source, target }: Situation): Op<NodeId[]> {
	const [aboveTarget, aboveSource, living] = (yield* wait(
		tx.read(entries.chainQuery(to.parent), entries.chainQuery(from.parent), nodes.livingQuery()),
	)) as [ChainRow[], ChainRow[], Array<{ id: NodeId }>]
	if (aboveTarget.some(({ id }) => id === source.id)) fail('EINVAL')
	if (target && aboveSource.some(({ id }) => id === target.id)) fail('ENOTEMPTY')
	return living.map(({ id }) => id)
}

interface Step {
	from: Place
	to: Place
	situation: Situation
	/** Where directories may have been made. */
	nodes: readonly NodeId[]
	time: Time
	token: number
}

function* move(fs: Filesystem, tx: Transaction, { from, to, situation, nodes, time, token }: Step): Op<Intent[]> {
	const { source, target, fromPath, toPath } = situation
	const replaced = target ? yield* replaceTarget(fs, tx, { source, target, path: toPath, token, time }) : NOTHING
	if (target) entries.remove(tx, to.parent, to.name)
	entries.move(tx, from, to)
	const isDirectory = source.kind === KIND.directory
	const { made: moved, having } = yield* moveOnNodes(tx, { rows: [source], op: 'rename', nodes, from: fromPath, to: toPath, token })
	// Where the source has a copy its rename replaces the target's. An unlink before it would, repeated after a crash,
	// remove the file that has the name by then.
	const gone = replaced.made.filter(({ op, nodeId }) => op !== 'unlink' || !having.has(nodeId))
	const withTarget = (intent: Intent): Intent => {
		const replaces = replaced.having.has(intent.nodeId)
		return { ...intent, isNew: !isDirectory && !replaces, replaces }
	}
	const made = [...gone, ...moved.map(withTarget)]
	touchParents(tx, { from, to, leaves: isDirectory ? 1 : 0, arrives: (isDirectory ? 1 : 0) - (target?.kind === KIND.directory ? 1 : 0), time })
	files.changeLinks(tx, source.id, 0, time)
	if (source.kind === KIND.regular) reclassify(fs, tx, source, toPath)
	// It lives on under its other names: whoever opens it by this one has to hear that it is another's.
	if (target && target.kind !== KIND.directory && target.nlink > 1) changes.insert(tx, fs.client, { op: 'unlink', parent: to.parent, name: to.name, file: target.id }, fs.capabilities)
	recordChange(fs, tx, { from, to, file: source.id, op: isDirectory ? 'renamedir' : 'rename' })
	return made
}

const NOTHING: Removal = { made: [], having: new Set() }

/** The target's rows go; where its copies are to be removed. */
function* replaceTarget(
	fs: Filesystem,
	tx: Transaction,
	{ source, target, path, token, time }: { source: FileRow; target: FileRow; path: Path; token: number; time: Time },
): Op<Removal> {
	// The journal's line is about the file that takes its place.
	touched.add(tx, target.id)
	if (target.kind === KIND.directory) {
		if (source.kind !== KIND.directory) fail('EISDIR')
		yield* removeEmptyDirectory(tx, target)
		return NOTHING
	}
	if (source.kind === KIND.directory) fail('ENOTDIR')
	return yield* removeName(fs, tx, { row: target, path, token, time })
}

function* swap(fs: Filesystem, tx: Transaction, { from, to, situation, nodes, time, token }: Step): Op<Intent[]> {
	const { source, fromPath, toPath } = situation
	const target = situation.target as FileRow
	entries.point(tx, from.parent, from.name, target.id)
	entries.point(tx, to.parent, to.name, source.id)
	const { made } = yield* moveOnNodes(tx, { rows: [source, target], op: 'exchange', nodes, from: fromPath, to: toPath, token })
	const difference = Number(source.kind === KIND.directory) - Number(target.kind === KIND.directory)
	touchParents(tx, { from, to, leaves: difference, arrives: difference, time })
	for (const [row, path] of [[source, toPath], [target, fromPath]] as const) {
		files.changeLinks(tx, row.id, 0, time)
		if (row.kind === KIND.regular) reclassify(fs, tx, row, path)
	}
	recordChange(fs, tx, { from, to, file: source.id, op: 'exchange' })
	touched.add(tx, target.id)
	return made
}

/** What has the source's name after an exchange. */
function* setAside(fs: Filesystem, tx: Transaction, step: Step, name: Name): Op<Intent[]> {
	const { from, situation } = step
	const source = situation.target as FileRow
	const to = { parent: from.parent, name }
	const toPath = joinPath(yield* fs.directories.path(tx, from.parent), name)
	return yield* move(fs, tx, { ...step, to, situation: { ...situation, source, target: undefined, toPath } })
}

/** A file is moved where it has copies, or may have, a directory wherever it may have been made. And where there is one that counts, or did. */
function* moveOnNodes(
	tx: Transaction,
	{ rows, op, nodes, from, to, token }: { rows: FileRow[]; op: IntentOp; nodes: readonly NodeId[]; from: Path; to: Path; token: number },
): Op<{ made: Intent[]; having: ReadonlySet<NodeId> }> {
	const intent = { op, path: from, toPath: to, fileId: rows[0].id, token }
	if (rows.some((row) => row.kind === KIND.directory)) return { made: nodes.map((nodeId) => ({ ...intent, nodeId })), having: new Set() }
	const holders = new Set<NodeId>()
	const having = new Set<NodeId>()
	const copies = (yield* wait(tx.read(...rows.filter(hasPlainCopies).map((row) => replicas.ofFileQuery(row.id))))) as ReplicaRow[][]
	for (const copy of copies.flat()) {
		holders.add(copy.node_id)
		if (replicas.hasCome(copy)) having.add(copy.node_id)
	}
	return { made: [...holders].map((nodeId) => ({ ...intent, nodeId })), having }
}

function touchParents(tx: Transaction, { from, to, leaves, arrives, time }: { from: Place; to: Place; leaves: number; arrives: number; time: Time }): void {
	if (from.parent === to.parent) return files.touchDirectory(tx, to.parent, time, arrives - leaves)
	files.touchDirectory(tx, from.parent, time, -leaves)
	files.touchDirectory(tx, to.parent, time, arrives)
}

/** A file that moves under another rule follows it; what is below a directory that moves is re-examined by `class apply`. */
function reclassify(fs: Filesystem, tx: Transaction, row: FileRow, path: Path): void {
	const rule = classOf(fs, path)
	if (rule.id !== row.class_id) files.setClass(tx, row.id, rule.id)
}

function recordChange(fs: Filesystem, tx: Transaction, { from, to, file, op }: { from: Place; to: Place; file: FileId; op: changes.ChangeOp }): void {
	changes.insert(tx, fs.client, { op, parent: from.parent, name: from.name, file, detail: changes.placeDetail(to.parent, to.name) }, fs.capabilities)
}
