/**
 * Settling what was left behind: files that dead clients were writing, and intents nobody carries out. One process at a
 * time settles a node, by lease; everything it does can be repeated.
 */
import * as changes from '../catalogue/changes.ts'
import * as clients from '../catalogue/clients.ts'
import type { ClientRow } from '../catalogue/clients.ts'
import type { Query, Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent, IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as leases from '../catalogue/leases.ts'
import * as writers from '../catalogue/writers.ts'
import { msSince, thisMoment } from '../clock.ts'
import { CatalogueError, codeOf, Errno } from '../errors.ts'
import type { ClientId, FileId, NodeId } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { inService, takesChanges } from '../nodes/service.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { applyIntent, mayHaveBegun } from './apply-intent.ts'
import { isAlive, isRunning, refreshClients, takeLease } from './clients.ts'
import { joinPath } from './directories.ts'
import { removeMarks } from './exchange.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { isObstructed } from './obstructed.ts'
import { isAsEntered } from './open-files.ts'
import { isUnused } from './opening.ts'
import { recordSeen } from './next-version.ts'
import { redo } from './redo.ts'
import { removeLeftUploads } from './staged.ts'
import { takeBack } from './undo-create.ts'
import { KEPT, toBeKept } from './unsynced.ts'

const BATCH_ROWS_MAX = 500
const LEASE_SECONDS = 60
/** Well below what the lease lasts: what is carried out when it is another's may undo what he did. */
const BATCH_MS_MAX = 20_000

/** Nodes on which it is yet to be found out what their disks have forgotten. */
type Unready = ReadonlySet<NodeId>

const underWay = new WeakMap<Filesystem, Promise<void>>()
/** The same of one node. */
const nodeUnderWay = new WeakMap<Node, Promise<void>>()

/** Nodes of which it was said that they cannot be tidied. */
const untidy = new WeakSet<Node>()

/** Nodes on which a call that was made here while settling them has not returned. */
const unreturned = new WeakMap<Filesystem, Set<NodeId>>()

/**
 * A call that timed out may still happen. Until it has returned nobody else may carry out what it was for, or build on that: the node stays
 * with this process, which does nothing there either.
 */
export function* keepLeases(fs: Filesystem): Op<void> {
	for (const id of unreturned.get(fs) ?? []) if (isStuck(fs, id)) yield* takeLease(fs, leaseOf(id), LEASE_SECONDS)
}

/** In a round, and before its nodes are settled: they may be held again. */
function* dropReturned(fs: Filesystem): Op<void> {
	const nodes = unreturned.get(fs)
	for (const id of nodes ?? []) {
		if (isStuck(fs, id)) continue
		nodes?.delete(id)
		yield* dropLease(fs, leaseOf(id))
	}
}

function isStuck(fs: Filesystem, id: NodeId): boolean {
	return (fs.nodes.get(id)?.health.stuck ?? 0) > 0
}

function leaseOf(node: NodeId): string {
	return `settle:${node}`
}

function* dropLease(fs: Filesystem, lease: string): Op<void> {
	yield* wait(
		transact(fs, function* (tx) {
			if (yield* leases.stillHeld(fs, tx, lease)) leases.drop(tx, lease)
		}),
	)
}

/** Everything that can be settled now. Whoever asks while it is under way waits for its end. */
export function* settle(fs: Filesystem): Op<void> {
	const current = underWay.get(fs)
	if (current) return yield* wait(current)
	const result = run(settleAll(fs))
	if (!isPromise(result)) return
	underWay.set(fs, result)
	try {
		yield* wait(result)
	} finally {
		underWay.delete(fs)
	}
}

function* settleAll(fs: Filesystem): Op<void> {
	yield* keepLeases(fs)
	yield* dropReturned(fs)
	const rows = yield* refreshClients(fs)
	const dead = rows.filter((row) => row.id !== fs.client && !isAlive(row))
	// What they had decided about the nodes' trees comes first: it says where the files are that they were writing.
	const unready = yield* redo(fs)
	if (fs.mayHaveLeftPins) yield* settleOwn(fs, unready)
	const waiting = new Set((yield* wait(intents.nodesWithAny(fs.catalogue))).map(({ id }) => id))
	for (const node of [...fs.nodes.values()]) {
		const isToDo = waiting.has(node.id) || fs.nodesMarked.has(node.id)
		if (isToDo && takesChanges(node) && !unready.has(node.id)) yield* settleNode(fs, node)
	}
	for (const row of dead) yield* settleClient(fs, row, unready)
}

/** What an operation that failed, or of which nobody knew whether it had, has left of its own. */
function* settleOwn(fs: Filesystem, unready: Unready): Op<void> {
	fs.mayHaveLeftPins = false
	let isAllSettled = false
	try {
		if (fs.undecided.size > 0) yield* wait(Promise.all(fs.undecided))
		isAllSettled = yield* settleWriters(fs, fs.client, unready, function* (settled) {
			for (const id of settled) if (isUnused(fs, id)) fs.later.add(writers.removeQuery(id, fs.client))
			return true
		})
	} finally {
		fs.mayHaveLeftPins ||= !isAllSettled
	}
}

function* settleClient(fs: Filesystem, dead: ClientRow, unready: Unready): Op<void> {
	const lease = `client:${dead.id}`
	if (!(yield* takeLease(fs, lease, LEASE_SECONDS))) return
	if (!(yield* takeForDead(fs, dead.id, lease))) return
	const isSettled = yield* settleWriters(fs, dead.id, unready, (settled) => unpin(fs, dead.id, settled))
	if (!isSettled) return
	const isGone = yield* wait(
		transact(fs, function* (tx) {
			if (!(yield* isTakenForDead(fs, tx, dead.id))) return false
			intents.leaveAllOf(tx, dead.id)
			clients.remove(tx, dead.id)
			leases.drop(tx, lease)
			changes.insert(tx, fs.client, { op: 'client' }, fs.capabilities)
			return true
		}),
	)
	if (!isGone) return
	// What it was bringing lies on nodes still.
	for (const id of fs.nodes.keys()) fs.nodesMarked.add(id)
	fs.report(`settled client ${dead.id} (${dead.what}, pid ${dead.pid} on ${dead.host}), which had ended without a word`)
}

/** False: it lives, and has said so meanwhile. The pins are its own again. */
function* unpin(fs: Filesystem, dead: ClientId, settled: readonly FileId[]): Op<boolean> {
	return yield* wait(
		transact(fs, function* (tx) {
			if (!(yield* isTakenForDead(fs, tx, dead))) return false
			for (const id of settled) tx.write(...writers.removeQuery(id, dead))
			return true
		}),
	)
}

function* isTakenForDead({ capabilities }: Filesystem, tx: Transaction, id: ClientId): Op<boolean> {
	return (yield* wait(clients.find(tx, id, capabilities.forUpdate)))?.started === clients.TAKEN_FOR_DEAD
}

/**
 * Asked once more, with its row locked: a heartbeat may have come since the round began. From then on it is dead for everybody until it says that it
 * lives, which it is told by the row. That stays until nothing is left of it: should this process end before, the next goes on.
 */
function* takeForDead(fs: Filesystem, id: ClientId, lease: string): Op<boolean> {
	return yield* wait(
		transact(fs, function* (tx) {
			const row = yield* wait(clients.get(tx, id, fs.capabilities, fs.capabilities.forUpdate))
			if (!row || isAlive(row)) {
				leases.drop(tx, lease)
				return false
			}
			if (row.started === clients.TAKEN_FOR_DEAD) return true
			clients.takeForDead(tx, id)
			intents.leaveAllOf(tx, id)
			changes.insert(tx, fs.client, { op: 'client' }, fs.capabilities)
			return true
		}),
	)
}

/** `unpin` takes those whose pins are needed no more, and says whether to go on. False where some are for another round. */
function* settleWriters(fs: Filesystem, dead: ClientId, unready: Unready, unpin: (settled: readonly FileId[]) => Op<boolean>): Op<boolean> {
	const begun = thisMoment()
	let left = 0
	for (let after = 0; ; ) {
		const rows = yield* wait(writers.ofClient(fs.catalogue, dead, after, BATCH_ROWS_MAX))
		const settled: FileId[] = []
		for (const { file_id, node_id } of rows) {
			if (!mayUnpin(fs, dead, file_id)) continue
			const isTime = msSince(begun) <= BATCH_MS_MAX
			if (isTime && !unready.has(node_id) && (yield* settleWriter(fs, dead, file_id, node_id))) settled.push(file_id)
			else left++
		}
		if (settled.length > 0 && !(yield* unpin(settled))) return false
		if (rows.length < BATCH_ROWS_MAX) return left === 0
		if (msSince(begun) > BATCH_MS_MAX) return false
		after = rows[rows.length - 1].file_id
	}
}

/** What is really on the node is the content: published if it differs from what is known. False while the node is away, or others publish. */
function* settleWriter(fs: Filesystem, dead: ClientId, id: FileId, nodeId: NodeId): Op<boolean> {
	const node = fs.nodes.get(nodeId)
	if (node && !inService(node)) return false
	const [[row], [name]] = (yield* wait(fs.catalogue.read(files.findQuery(id), entries.namesQuery(id, 1)))) as [FileRow[], entries.EntryRow[]]
	if (row && name) {
		const place = { parent: name.parent_id, name: Buffer.from(name.name) }
		const path = joinPath(yield* fs.directories.path(fs.catalogue, place.parent), place.name)
		if (node && (yield* isObstructed(fs, node, path))) return false
		const stat = node && (yield* statOf(fs, node, path))
		if (stat === 'trouble') return false
		// Never published and not on the node: the create that was under way was never acknowledged.
		if (stat === undefined && row.version === 0 && !(yield* takeBack(fs, id, path))) return false
		// Whole seconds do not tell whether it was written to once more.
		if (stat !== undefined && (row.version === 0 || stat.ctimeNs === 0 || !isAsEntered(row, stat))) {
			const content = { id, nodeId, stat, seen: row.version }
			const next = yield* wait(transact(fs, (tx) => recordSeen(fs, tx, content)))
			if (next && 'overtakenBy' in next) return false
		}
		// To this process it is as if another client had done it.
		fs.readAhead.forgetFile(id)
		fs.onChange({ seq: 0, client_id: dead, op: 'publish', parent_id: place.parent, name: place.name, file_id: id, detail: null })
	}
	return true
}

function mayUnpin(fs: Filesystem, client: ClientId, id: FileId): boolean {
	return client !== fs.client || isUnused(fs, id)
}

/** Something the node has yet to carry out decides what stands at the path. */
function* statOf(fs: Filesystem, node: Node, path: Buffer): Op<Stat | undefined | 'trouble'> {
	try {
		return yield* wait(node.operations.stat(path))
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return undefined
		fs.report(`node ${node.name}: ${path}: ${(error as Error).message}`)
		return 'trouble'
	}
}

/** Intents in their order, up to the first that a living client is carrying out. One at a time here, who both have the lease. */
export function* settleNode(fs: Filesystem, node: Node): Op<void> {
	while (nodeUnderWay.has(node)) yield* wait(nodeUnderWay.get(node))
	const result = run(settleNodeNow(fs, node))
	if (!isPromise(result)) return
	nodeUnderWay.set(node, result.then(() => undefined, () => undefined))
	try {
		yield* wait(result)
	} finally {
		nodeUnderWay.delete(node)
	}
}

function* settleNodeNow(fs: Filesystem, node: Node): Op<void> {
	const lease = leaseOf(node.id)
	const settled = { node, lease, isSynced: false }
	const endMs = performance.now() + BATCH_MS_MAX
	let held = false
	try {
		for (;;) {
			if ((yield* ownerless(fs, node, 1)).length === 0) break
			held = yield* takeLease(fs, lease, LEASE_SECONDS)
			if (!held) return
			// Read when it is held: who had it before may have carried out what was seen then, and others built on that.
			const rows = yield* ownerless(fs, node, BATCH_ROWS_MAX)
			if (!(yield* settleBatch(fs, settled, rows))) break
			// What was added behind them meanwhile is not left to the next round: by then more would stand behind that, and so on for ever.
			if (rows.length < BATCH_ROWS_MAX && performance.now() > endMs) break
		}
		if (isStuck(fs, node.id)) return
		if (fs.nodesMarked.delete(node.id) || held) yield* tidy(fs, node)
		if (held) yield* dropLease(fs, lease)
	} finally {
		if (held && isStuck(fs, node.id)) unreturned.set(fs, (unreturned.get(fs) ?? new Set()).add(node.id))
	}
}

/** What others left beside the tree. Nobody waits for it to go: where the node does not let it be seen, that is tried again in the next round. */
function* tidy(fs: Filesystem, node: Node): Op<void> {
	try {
		yield* removeMarks(fs, node)
		yield* removeLeftUploads(fs, node)
		untidy.delete(node)
	} catch (error) {
		if (!(error instanceof Errno) || error instanceof CatalogueError) throw error
		fs.nodesMarked.add(node.id)
		if (inService(node) && !untidy.has(node)) fs.report(`node ${node.name}: what others left in its .cairn cannot be looked through: ${error.message}`)
		untidy.add(node)
	}
}

/**
 * The first intents of a node, up to one that somebody is carrying out. Who made them is asked for after they were read: whoever
 * is not there then has gone, and is not about to come.
 */
function* ownerless(fs: Filesystem, node: Node, limit: number): Op<IntentRow[]> {
	const rows = yield* wait(intents.standing(fs.catalogue, node.id, limit))
	const running = new Map<ClientId, boolean>([[fs.client, true]])
	for (const [index, { client_id }] of rows.entries()) {
		if (client_id === null) continue
		if (!running.has(client_id)) running.set(client_id, yield* isRunning(fs, fs.catalogue, client_id))
		if (running.get(client_id)) return rows.slice(0, index)
	}
	return rows
}

/** A node that is being settled, and whether its disk has what others did there before. */
interface Settled {
	node: Node
	lease: string
	isSynced: boolean
}

/**
 * Whoever was about to carry it out may have done so and said nothing of it, and then its disk is yet to have it: no row that is written now would tell
 * a disk that has forgotten it. What was done before goes to the disk with the first such intent, the rest of an exchange with itself.
 */
function* syncOnce(settled: Settled, { op }: Intent): Op<void> {
	if (settled.isSynced && op !== 'exchange') return
	if (settled.node.disk) yield* wait(settled.node.disk.sync())
	settled.isSynced = true
}

/** True when all of them were carried out. */
function* settleBatch(fs: Filesystem, settled: Settled, rows: IntentRow[]): Op<boolean> {
	const begun = thisMoment()
	for (const row of rows) if (msSince(begun) > BATCH_MS_MAX || !(yield* settleIntent(fs, settled, row))) return false
	return true
}

function* settleIntent(fs: Filesystem, settled: Settled, row: IntentRow): Op<boolean> {
	const { node, lease } = settled
	const intent: Intent = {
		nodeId: node.id,
		op: row.op,
		path: Buffer.from(row.path),
		toPath: row.to_path === null ? null : Buffer.from(row.to_path),
		fileId: row.file_id,
		token: row.token,
	}
	let kept: Query | undefined
	try {
		const mayBeDone = node.disk && KEPT.has(row.op) && (yield* mayHaveBegun(node, intent))
		if (!mayBeDone) kept = yield* toBeKept(fs, node, intent)
		yield* applyIntent(fs, node, intent)
		if (mayBeDone) yield* syncOnce(settled, intent)
	} catch {
		// In trouble: it is tried again in the next round.
		return false
	}
	return yield* wait(
		transact(fs, function* (tx) {
			const holds = yield* leases.stillHeld(fs, tx, lease)
			if (holds) intents.remove(tx, row)
			if (holds && kept) tx.write(...kept)
			return holds
		}),
	)
}
