/**
 * Content that was brought to a node without a name becomes the file of a name, in one transaction: before it nobody sees
 * anything, after it everybody sees all of it. What the name led to before is replaced as rename(2) would: who has it open keeps
 * it. On the node the content gets its name by an intent, so whoever finds that after a crash brings it about.
 */
import { awakeMs } from '../awake.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { ChainRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent, IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as objects from '../catalogue/objects.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { now } from '../clock.ts'
import { CatalogueError, codeOf, fail } from '../errors.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { takesChanges } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { classOf, nodesForCopies } from '../placement/placement.ts'
import { isFollowed } from './behind.ts'
import { joinPath } from './directories.ts'
import { enterTogether } from './enter-together.ts'
import { checkExpected } from './expected.ts'
import { type Filesystem, transactTogether } from './filesystem.ts'
import { carryOut, intend } from './intents.ts'
import { checkDirectory, checkPlace, type Place } from './names.ts'
import { arrivalOf, type Before, type Conditions, type Named, type Naming, rowOf, type Staged } from './naming.ts'
import { checkNode } from './nodes.ts'
import { joinChain } from './paths.ts'
import { mayBeObstructed } from './obstructed.ts'
import { lostName, removeName } from './remove.ts'
import { nowStanding, standingOn } from './standing.ts'
import { takeBackWay } from './take-back-way.ts'
import { makeReady } from './way-on-node.ts'
import { noteIfWithoutRoom } from './without-room.ts'

/** Whoever is about to carry an intent out is mostly a moment away. */
const INTENT_POLL_MS_MIN = 1
const INTENT_POLL_MS_MAX = 20

type Answer = Named | { needs: 'sync' | 'patience' | 'way' }

export function* giveName(fs: Filesystem, staged: Staged, place: Place, conditions: Conditions = {}): Op<FileRow> {
	checkPlace(place)
	const path = yield* freshPath(fs, place)
	const naming: Naming = { id: yield* fs.ids.next(), token: fs.nextToken++, time: now(), turn: 0, place, staged, conditions, path, ways: [], isSynced: false, isAlone: false }
	let named: Path | undefined
	try {
		const answer = yield* settleOn(fs, naming)
		staged.mayBeNamed = true
		named = answer.path
		return yield* finish(fs, naming, answer)
	} catch (error) {
		// Asked again it would keep the caller waiting for as long once more.
		if (error instanceof CatalogueError) naming.ways.length = 0
		throw error
	} finally {
		for (const way of naming.ways) if (!named?.equals(way)) yield* takeBackWay(fs, staged.node, way)
	}
}

function* settleOn(fs: Filesystem, naming: Naming): Op<Named> {
	const { place, staged } = naming
	const { node } = staged
	const { parent } = place
	const ready = () => makeReady(fs, node, { parent, path: naming.path, made: naming.ways })
	let isReady = yield* ready()
	// What comes together is entered in another order under load; the time of its directory is that of who comes last.
	naming.time = now()
	naming.turn = fs.touched.begin(parent)
	const deadlineMs = awakeMs() + fs.config.nodeDeadlineMs
	let pauseMs = INTENT_POLL_MS_MIN
	for (;;) {
		if (!takesChanges(node)) fail('EIO', `node ${node.name} is away`)
		const answer: Answer = isReady ? yield* decide(fs, naming) : { needs: 'patience' }
		if ('row' in answer) return answer
		if (answer.needs === 'way') {
			naming.path = yield* freshPath(fs, place)
			isReady = yield* ready()
		} else if (answer.needs === 'sync') {
			yield* staged.sync()
			naming.isSynced = true
		} else {
			if (awakeMs() > deadlineMs) fail('EIO', `node ${node.name} has not come to that path yet`)
			yield* wait(new Promise((resolve) => setTimeout(resolve, pauseMs)))
			pauseMs = Math.min(pauseMs * 2, INTENT_POLL_MS_MAX)
			isReady = yield* ready()
		}
	}
}

/** What is remembered of directories is believed only where nobody else has changed anything: somebody may have moved one a moment ago. */
function* freshPath(fs: Filesystem, { parent, name }: Place): Op<Path> {
	if (isFollowed(fs)) return joinPath(yield* fs.directories.path(fs.catalogue, parent), name)
	const directory = pathOf(parent, yield* wait(entries.chain(fs.catalogue, parent)))
	if (!directory.equals(yield* fs.directories.path(fs.catalogue, parent))) fs.directories.forget()
	return joinPath(directory, name)
}

function* decide(fs: Filesystem, naming: Naming): Op<Answer> {
	const tried: Intent[] = []
	try {
		return (yield* withOthers(fs, naming, tried)) ?? (yield* wait(transactTogether(fs, (tx) => enter(fs, tx, naming, tried))))
	} catch (error) {
		if (codeOf(error) !== 'EIO') throw error
		// Perhaps the catalogue has it and could not say so: whoever settles the node carries it out then.
		naming.staged.mayBeNamed = tried.length > 0
		for (const intent of tried) fs.later.add(intents.leaveQuery(fs.client, intent))
		throw error
	}
}

/** Where others bring new names too; once. */
function* withOthers(fs: Filesystem, naming: Naming, tried: Intent[]): Op<Named | undefined> {
	if (!naming.conditions.isFree || naming.isAlone || !fs.capabilities.synchronous) return undefined
	naming.isAlone = true
	return yield* wait(enterTogether(fs, { naming, tried }))
}

function* enter(fs: Filesystem, tx: Transaction, naming: Naming, tried: Intent[]): Op<Answer> {
	const { place, staged, conditions, id, time } = naming
	const { forUpdate } = fs.capabilities
	const [guard, [parent], [existing], any] = (yield* wait(
		tx.read(
			staged.guard.query,
			files.findQuery(place.parent, forUpdate),
			entries.lookupQuery(place.parent, place.name, forUpdate),
			intents.anyQuery(),
		),
	)) as [unknown[], FileRow[], FileRow[], unknown[]]
	const directory = checkDirectory(parent)
	const path = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
	yield* checkConditions(tx, existing, conditions)
	const standing = any.length > 0 ? yield* standingOn(tx, staged.node.id) : undefined
	const needs = lacks(fs, naming, { existing, path, standing })
	if (needs) return needs
	staged.guard.judge(tx, guard)
	yield* checkNode(fs, tx, staged.node)
	const rule = classOf(fs, conditions.classPath ?? path)
	const model = yield* modelOf(tx, conditions, existing)
	const row = rowOf(naming, directory, rule, { existing, model })
	const plan = yield* replace(fs, tx, naming, { existing, model, row, path })
	enterFile(fs, tx, naming, { row, rule, existing })
	conditions.also?.(tx, row)
	files.touchDirectory(tx, place.parent, time)
	tried.splice(0, tried.length, ...plan)
	const made = yield* intend(fs, tx, plan, standing !== undefined, standing && new Map([[staged.node.id, standing]]))
	nowStanding(tx, fs.client, plan)
	if (existing) changes.insert(tx, fs.client, { op: 'unlink', parent: place.parent, name: place.name, file: existing.id }, fs.capabilities)
	changes.insert(tx, fs.client, { op: 'create', parent: place.parent, name: place.name, file: id }, fs.capabilities)
	return { directory, replaced: existing, row, path, made }
}

function pathOf(directory: FileId, chain: readonly ChainRow[]): Path {
	if (directory === ROOT_ID) return Buffer.alloc(0)
	if (chain.at(-1)?.parent_id !== ROOT_ID) fail('ENOENT')
	return joinChain(chain)
}

function* checkConditions(tx: Transaction, existing: FileRow | undefined, { exclusive, check }: Conditions): Op<void> {
	if (existing?.kind === KIND.directory) fail('EISDIR')
	if (existing && exclusive) fail('EEXIST')
	yield* checkExpected(tx, existing, { check })
}

/** What has to be done before the name can be given. */
function lacks(
	fs: Filesystem,
	{ path: ready, isSynced }: Naming,
	{ existing, path, standing }: { existing: FileRow | undefined; path: Path; standing: readonly IntentRow[] | undefined },
): Answer | undefined {
	if (!ready.equals(path)) return { needs: 'way' }
	// What is replaced may only go when what replaces it is on the disk.
	if (existing && existing.size > 0 && !isSynced) return { needs: 'sync' }
	if (!standing) return undefined
	return mayBeObstructed(fs, standing, path) ? { needs: 'patience' } : undefined
}

/** Whose extended attributes it has. */
function* modelOf(tx: Transaction, { copyOf }: Conditions, existing: FileRow | undefined): Op<FileRow | undefined> {
	return copyOf === undefined ? existing : ((yield* wait(files.find(tx, copyOf))) ?? fail('ESTALE', 'what was being copied is gone'))
}

/** The rows of what had the name go; what the nodes have to do. */
function* replace(fs: Filesystem, tx: Transaction, naming: Naming, { existing, model, row, path }: Before & { row: FileRow; path: Path }): Op<Intent[]> {
	const { staged, token, time, id } = naming
	if (model && row.flags & files.FLAG_HAS_XATTRS) xattrs.copyToOther(tx, model.id, id)
	if (existing && existing.flags & files.FLAG_IS_OBJECT) objects.follow(tx, existing.id, id)
	const removal = existing && (yield* removeName(fs, tx, { row: existing, path, token, time }))
	// Where the content arrives its rename replaces the old copy: an unlink, repeated after a crash, would remove the new one.
	const elsewhere = removal?.made.filter(({ op, nodeId }) => op !== 'unlink' || nodeId !== staged.node.id) ?? []
	return [...elsewhere, ...arrivalOf(naming, row, path, !removal?.having.has(staged.node.id))]
}

function enterFile(
	fs: Filesystem,
	tx: Transaction,
	{ place, staged }: Naming,
	{ row, rule, existing }: { row: FileRow; rule: ClassRow; existing: FileRow | undefined },
): void {
	files.insert(tx, row, { hash: staged.hash })
	if (existing) entries.point(tx, place.parent, place.name, row.id)
	else entries.insert(tx, place.parent, place.name, row.id)
	replicas.insert(tx, row.id, staged.node.id, row.version, REPLICA.good)
	const others = nodesForCopies(fs, rule, [staged.node.id], row.size)
	noteIfWithoutRoom(fs, tx, rule, [staged.node.id, ...others.map(({ id }) => id)])
	for (const node of others) replicas.insert(tx, row.id, node.id, 0, REPLICA.wanted)
}

function* finish(fs: Filesystem, { place, time, turn }: Naming, named: Named): Op<FileRow> {
	fs.readAhead.changedNames(place.parent, place.name)
	fs.touched.keep(turn, named.directory, time)
	if (named.replaced) lostName(fs, named.replaced, time)
	try {
		// The old copies may only go when nothing can bring back a catalogue that believes in them.
		if (named.replaced && named.replaced.size > 0) yield* wait(fs.catalogue.sync())
	} finally {
		yield* carryOut(fs, named.made)
	}
	return named.row
}
