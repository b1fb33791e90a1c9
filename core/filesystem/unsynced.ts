/**
 * What was carried out on a node is in the memory of this machine first: should the power fail now, the node's disk knows nothing of it, while
 * the catalogue may remember that it was done. So a row stays of each change until the disk has been synced, and who comes after a crash does
 * once more what is missing (redo.ts). A remote node's disk cannot be synced from here.
 */
import * as changes from '../catalogue/changes.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import * as carried from '../catalogue/carried.ts'
import type { Turn } from '../catalogue/carried.ts'
import type { Query } from '../catalogue/driver.ts'
import type { Intent } from '../catalogue/intents.ts'
import { codeOf } from '../errors.ts'
import type { ClientId, NodeId, Path } from '../ids.ts'
import type { Disk } from '../nodes/disk.ts'
import type { Inode, Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { distrustCopy } from './distrust.ts'
import { type Filesystem, transact } from './filesystem.ts'

export const SYNC_MS = 10_000
/** The kernel writes by itself what is half a minute old: then there is little left to do. */
const SYNC_WRITTEN_MS = 60_000
const BATCH_ROWS_MAX = 1_000
const MICROSECONDS = 1_000

/** Of an exchange it is two files. */
const BETWEEN_TWO = '|'
const CHANGED_AT = '@'

function asText(inode: Inode | undefined): string {
	return inode ? `${inode.id}${CHANGED_AT}${inode.changed}` : ''
}

/** What stood there when the row was written. */
export function inodesOf(text: string): Inode[] {
	return text.split(BETWEEN_TWO).map((one) => {
		const [id, changed] = one.split(CHANGED_AT)
		return { id, changed: Number(changed) }
	})
}

export interface Unsynced {
	/** The last number given. */
	seq: number
	/** By node, and by whose they are: the last of those that are settled once the node is synced. */
	readonly waiting: Map<NodeId, Map<ClientId, number>>
	/** Since when any wait, by the wall clock. */
	readonly waitsSinceMs: Map<NodeId, number>
	/** How far the journal was when this process began. */
	from: number
	/** When a node was synced last, and how far the journal was known then. */
	readonly synced: Map<NodeId, { atMs: number; seq: number }>
	/** Where what was forgotten was looked for, or is. */
	readonly redoing: Map<NodeId, Redoing>
}

/** Of one node, since it came here last. */
export interface Redoing {
	/** When this process began to do something again there, in microseconds: what was changed later says nothing of what the disk had. */
	since: number
	/** The first that the disk has forgotten for certain, and with it all that came after. */
	forgotten: number
	/** The inodes that were changed by doing things again, and the directories that were made for that. */
	readonly touched: Set<string>
	readonly made: Set<string>
	/** How far it has come, by whose they are; those that are gone leave no more. */
	readonly through: Map<ClientId, number>
	readonly finished: Set<ClientId>
}

export function createRedoing(finished: readonly ClientId[] = []): Redoing {
	const never = Number.POSITIVE_INFINITY
	return { since: never, forgotten: never, touched: new Set(), made: new Set(), through: new Map(), finished: new Set(finished) }
}

export function createUnsynced(): Unsynced {
	return { seq: 0, from: 0, waiting: new Map(), waitsSinceMs: new Map(), synced: new Map(), redoing: new Map() }
}

/** What can be undone by a power cut in a way that matters: attributes are in the catalogue, and what is missing is copied again. */
export const KEPT: ReadonlySet<Intent['op']> = new Set<Intent['op']>(['unlink', 'rmdir', 'rename', 'move', 'exchange', 'link'])

/**
 * Before it is carried out: the row to be written with what says that it was done. Undefined where none need be kept. On a disk that can be synced from
 * here both happen in one turn of the event loop: no sync begins in between.
 */
export function* toBeKept(fs: Filesystem, node: Node, intent: Intent): Op<Query | undefined> {
	if (!node.disk || !KEPT.has(intent.op)) return undefined
	// It moves nothing over what is there.
	if (intent.op === 'move' && (yield* wait(node.operations.inode(intent.toPath as Path)))) return undefined
	let inode = asText(yield* wait(node.operations.inode(intent.path)))
	if (intent.op === 'exchange') inode += BETWEEN_TWO + asText(yield* wait(node.operations.inode(intent.toPath as Path)))
	if (inode === '') return undefined
	const turn = { client: fs.client, seq: Math.max(fs.unsynced.seq + 1, Date.now() * MICROSECONDS) }
	fs.unsynced.seq = turn.seq
	waitsFor(fs, node.id, turn)
	return carried.insertQuery(turn, intent, inode, fs.capabilities)
}

export function waitsFor({ unsynced }: Filesystem, node: NodeId, { client, seq }: Turn): void {
	const turns = unsynced.waiting.get(node) ?? new Map()
	unsynced.waiting.set(node, turns.set(client, seq))
	if (!unsynced.waitsSinceMs.has(node)) unsynced.waitsSinceMs.set(node, Date.now())
}

/** It went away and is back: a disk that was unplugged has forgotten what a disk without power forgets. */
export function cameBack({ unsynced }: Filesystem, node: Node): boolean {
	return node.health.since * 1_000 > (unsynced.waitsSinceMs.get(node.id) ?? Number.POSITIVE_INFINITY)
}

/**
 * Syncs the nodes on which something was carried out since the last time, and now and then those to which somebody may have written. One that is away is
 * asked once what its disk has refused, and left to whoever wants to unmount it.
 */
export function* syncNodes(fs: Filesystem): Op<void> {
	for (const node of [...fs.nodes.values()]) {
		const { waiting } = fs.unsynced
		if (node.disk && !inService(node)) yield* leaveNode(fs, node, node.disk)
		if (!node.disk || !inService(node) || cameBack(fs, node) || !(waiting.has(node.id) || isDue(fs, node))) continue
		// A catalogue that has forgotten more than its nodes would have names of what is elsewhere by now.
		yield* wait(fs.catalogue.sync())
		yield* syncNode(fs, node, node.disk)
	}
}

function isDue({ unsynced, journal }: Filesystem, { id }: Node): boolean {
	const last = unsynced.synced.get(id)
	return last === undefined || (performance.now() - last.atMs > SYNC_WRITTEN_MS && journal.position() > last.seq)
}

export function* syncNode(fs: Filesystem, node: Node, disk: Disk): Op<void> {
	const { waiting, waitsSinceMs, synced } = fs.unsynced
	const turns = waiting.get(node.id) ?? new Map<ClientId, number>()
	const now = { atMs: performance.now(), seq: fs.journal.position() }
	waiting.delete(node.id)
	waitsSinceMs.delete(node.id)
	try {
		yield* wait(disk.sync())
	} catch (error) {
		for (const [client, seq] of turns) if (!waiting.get(node.id)?.has(client)) waitsFor(fs, node.id, { client, seq })
		return yield* heard(fs, node, error)
	}
	synced.set(node.id, now)
	for (const [client, seq] of turns) fs.later.add(carried.removeQuery({ client, seq }, node.id))
}

function* leaveNode(fs: Filesystem, node: Node, disk: Disk): Op<void> {
	try {
		yield* wait(disk.leave())
	} catch (error) {
		yield* heard(fs, node, error)
	}
}

function* heard(fs: Filesystem, node: Node, error: unknown): Op<void> {
	fs.report(`node ${node.name}: ${(error as Error).message}`)
	if (codeOf(error) === 'EIO') yield* distrustSince(fs, node, fs.unsynced.synced.get(node.id)?.seq ?? fs.unsynced.from)
}

/** What was published since then was not on the disk then, and nobody knows which of it the disk has refused. */
function* distrustSince(fs: Filesystem, node: Node, seq: number): Op<void> {
	let many = 0
	for (let after = seq; ; ) {
		const rows = yield* wait(fs.catalogue.all<ChangeRow>(...changes.sinceQuery(after, BATCH_ROWS_MAX)))
		const ids = new Set(rows.flatMap(({ op, file_id }) => ((op === 'publish' || op === 'create') && file_id !== null ? [file_id] : [])))
		for (const id of ids) if (yield* wait(transact(fs, (tx) => distrustCopy(fs, tx, id, node.id)))) many++
		if (rows.length < BATCH_ROWS_MAX) break
		after = rows[rows.length - 1].seq
	}
	if (many > 0) fs.report(`node ${node.name}: ${many} copies that were written of late are in doubt until they are verified`)
}
