/**
 * Reads a node's tree and makes the catalogue agree with what is there, a directory at a time. Nothing on the node is ever
 * removed: what is new is adopted, what is not what it should be is kept aside.
 */
import * as entries from '../../core/catalogue/entries.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { type Path, ROOT_ID } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { openHashing } from '../hashing/hashing.ts'
import { type Job, type Replicator, setPosition } from '../replicator.ts'
import { look, lookAhead, type Seen } from './ahead.ts'
import { asKnown } from './as-known.ts'
import { type Batches, createBatches } from './batch.ts'
import { examine } from './examine.ts'
import { createInodes } from './inodes.ts'
import { listKept } from './kept.ts'
import { adoptLinked } from './links.ts'
import { checkIdentity, statAll } from './look.ts'
import { type Child, componentBelow, type Order, startOrder } from './order.ts'
import { directoryAt, splitPath } from './place.ts'
import { isWhole, type Scope, visit, visitNew } from './visit.ts'
import { type Directory, type WalkOptions, type Walking, WalkStopped } from './walking.ts'
import { startWatching } from './watch.ts'

export type { WalkOptions } from './walking.ts'

export const walk = (options: WalkOptions = {}): Job => ({ what: 'walk', work: (replicator) => work(replicator, options) })

const TRIES_MAX = 3
/** A tree in which nothing is new leaves no trace of how far the walk came but this. */
const POSITION_EVERY_MS = 5_000

async function work(rep: Replicator, options: WalkOptions): Promise<void> {
	const { fs, node, run } = rep
	const hashing = openHashing(fs.config.replicator.hashThreads)
	try {
		const watchman = await drive(startWatching(fs))
		await walkNode({
			rep, fs, node, run, options, hashing, watchman, inodes: createInodes(), linked: [], tally: { known: 0, absent: 0 },
		})
	} catch (error) {
		if (!(error instanceof WalkStopped)) throw error
		if (!run.signal.aborted) run.trouble(node.name, error.message)
	} finally {
		hashing.end()
	}
}

async function walkNode(walking: Walking): Promise<void> {
	const { options, run } = walking
	await checkIdentity(walking)
	if (options.part && !(await isAnywhere(walking, options.part))) return run.trouble(options.part, 'neither the node nor the tree has it')
	const keepsPosition = !options.part && !options.dryRun
	const start = keepsPosition ? await positionOf(walking) : null
	const batches = createBatches(walking, keepsPosition, (directory, name) => examine(walking, directory, name))
	await walkTree(walking, batches, { start, keepsPosition })
	if (run.signal.aborted) return
	await batches.finish(null)
	await adoptLinked(walking, start === null && !options.part)
	if (!options.part) await listKept(walking)
	if (keepsPosition && !run.signal.aborted) await savePosition(walking, null)
}

async function isAnywhere(walking: Walking, part: Path): Promise<boolean> {
	const [stat] = await statAll(walking, [part])
	if (stat) return true
	const { above, name } = splitPath(part)
	const parent = await drive(directoryAt(walking.fs, above))
	return part.length === 0 || (parent !== undefined && (await entries.lookup(walking.fs.catalogue, parent, name)) !== undefined)
}

async function walkTree(walking: Walking, batches: Batches, { start, keepsPosition }: { start: Path | null; keepsPosition: boolean }): Promise<void> {
	const { run, options, watchman } = walking
	const order = startOrder({ path: Buffer.alloc(0), id: ROOT_ID, generation: watchman.generation(), onDisk: true, isNew: false })
	let savedMs = performance.now()
	for (let directory = order.next(); directory && !run.signal.aborted; directory = order.next()) {
		const scope = scopeOf(directory.path, options.part, start)
		if (isWhole(scope) && directory.seen === undefined) look(walking, [directory])
		const children = await visitInPeace(walking, batches, directory, scope)
		order.enter(directory, children)
		if (isWhole(scope)) await goAhead(walking, batches, order)
		if (!keepsPosition || !batches.isEmpty() || performance.now() < savedMs + POSITION_EVERY_MS) continue
		await savePosition(walking, directory.path)
		savedMs = performance.now()
	}
}

/**
 * The threads are to have work while the last directories of a new one are visited: the next ones have told what is in them by then, and that is all it
 * takes to visit them. One at a time, as what is in it goes into the same batch. The walk is still where it was, and would go on from there.
 */
async function goAhead(walking: Walking, batches: Batches, order: Order): Promise<void> {
	lookAhead(walking, order)
	const directory = order.early(({ found, generation }) => found?.fresh !== undefined && found.fresh.others.length > 0 && generation === walking.watchman.generation())
	if (!directory) return
	const children = await asSeen(walking, batches, directory, directory.found)
	if (children) order.enter(directory, children)
	// It is looked at anew when its turn comes.
	else directory.seen = directory.found = undefined
	lookAhead(walking, order)
}

/** Above what was asked for, and above where a walk that was stopped goes on, one name is of interest. */
function scopeOf(directory: Path, part: Path | undefined, start: Path | null): Scope {
	if (part) return { only: componentBelow(directory, part) }
	return start ? { from: componentBelow(directory, start) } : {}
}

async function visitInPeace(walking: Walking, batches: Batches, found: Directory, scope: Scope) {
	const { fs, watchman, run } = walking
	let directory = found
	let seen = await found.seen
	for (let tries = 0; tries < TRIES_MAX; tries++) {
		if (directory.generation !== watchman.generation()) {
			// What it is in may be waiting to be written.
			await batches.finish(directory.path)
			const generation = watchman.generation()
			const id = await drive(directoryAt(fs, directory.path))
			// It was moved, with what is in it, to where this walk comes or has been.
			if (id === undefined) return []
			directory = { ...directory, id, generation }
			found.generation = generation
		}
		const children = await asSeen(walking, batches, directory, seen)
		if (children) {
			await batches.pass(directory.path)
			return children
		}
		const visited = await visit(walking, batches, directory, scope)
		if (visited) return visited
		seen = undefined
	}
	run.trouble(directory.path, 'directories above it are being moved; it is left for the next walk')
	return []
}

/** Undefined where it was not looked at before, or that is of no use. */
async function asSeen(walking: Walking, batches: Batches, directory: Directory, seen: Seen | undefined): Promise<Child[] | undefined> {
	const isTouched = walking.watchman.leave(directory.id)
	if (isTouched || seen?.generation !== directory.generation) return undefined
	if (seen.known) return asKnown(walking, seen.known)
	return seen.fresh && (await visitNew(walking, batches, directory, seen.fresh))
}

async function positionOf({ fs, rep }: Walking): Promise<Path | null> {
	const row = await jobs.find(fs.catalogue, rep.name)
	return row?.position ? Buffer.from(row.position) : null
}

async function savePosition({ fs, rep }: Walking, position: Path | null): Promise<void> {
	await transact(fs, function* (tx) {
		setPosition(rep, tx, position)
	})
}
