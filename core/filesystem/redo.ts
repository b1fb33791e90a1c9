/**
 * Doing once more, after a crash, what a node's disk has forgotten (forgotten.ts tells what). What a disk has then is what was done up to some
 * moment, in order, and nothing of what came after. So the rows of all who were there are gone through in their order, and nothing
 * else is done on a node before that has come to its end.
 */
import { isDeepStrictEqual } from 'node:util'
import * as carried from '../catalogue/carried.ts'
import type { CarriedRow } from '../catalogue/carried.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as leases from '../catalogue/leases.ts'
import type { ClientId, NodeId, Path } from '../ids.ts'
import type { Inode, Node } from '../nodes/node.ts'
import { takesChanges } from '../nodes/service.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { type Op, wait } from '../op.ts'
import { applyIntent } from './apply-intent.ts'
import { isRunning, takeLease } from './clients.ts'
import { type Filesystem, flushLater, transact } from './filesystem.ts'
import { hasReturned, parentOf, type Step, TICK_MICROSECONDS_MAX, whatIsForgotten } from './forgotten.ts'
import { keepStray } from './keep-stray.ts'
import { cameBack, createRedoing, inodesOf, type Redoing, syncNode, waitsFor } from './unsynced.ts'

const LEASE = 'redo'
const LEASE_SECONDS = 60
/** Gone through well within a lease. */
const PAGE_ROWS_MAX = 2_000

/** What clients had carried out that are gone; and what this one had, on a node that is back. The nodes on which that is yet to be done. */
export function* redo(fs: Filesystem): Op<ReadonlySet<NodeId>> {
	const back = [...fs.nodes.values()].filter((node) => cameBack(fs, node) && takesChanges(node))
	for (const { id } of back) for (const known of [fs.unsynced.waiting, fs.unsynced.redoing]) known.delete(id)
	const left = yield* redoFor(fs, back)
	// The others count as just come back until it is done: they are not synced, so their rows stay.
	for (const { id } of back) if (!left.has(id)) fs.unsynced.waitsSinceMs.set(id, Date.now())
	return left
}

function* redoFor(fs: Filesystem, back: readonly Node[]): Op<Set<NodeId>> {
	const clients = yield* whose(fs, back.length > 0)
	const nodes = [...fs.nodes.values()].filter((node) => node.disk && clients.some((client) => isFor(fs, client, node, back)))
	const left = new Set(nodes.map(({ id }) => id))
	if (!nodes.some(takesChanges) || !(yield* takeLease(fs, LEASE, LEASE_SECONDS))) return left
	for (const node of nodes) if (yield* redoOn(fs, node, clients.filter((client) => isFor(fs, client, node, back)))) left.delete(node.id)
	yield* wait(transact(fs, function* (tx) {
		if (yield* leases.stillHeld(fs, tx, LEASE)) leases.drop(tx, LEASE)
	}))
	return left
}

function* whose(fs: Filesystem, own: boolean): Op<ClientId[]> {
	const clients: ClientId[] = []
	for (let last = 0; ; ) {
		const next = yield* wait(carried.clientAfter(fs.catalogue, last))
		if (!next) return clients
		last = next.client_id
		if (last === fs.client ? own : !(yield* isRunning(fs, fs.catalogue, last))) clients.push(last)
	}
}

function isFor(fs: Filesystem, client: ClientId, node: Node, back: readonly Node[]): boolean {
	if (client === fs.client) return back.includes(node)
	return !fs.unsynced.redoing.get(node.id)?.finished.has(client)
}

/** True when all is done. What is found done is not on the disk for that: it is when the node was synced. */
function* redoOn(fs: Filesystem, node: Node, clients: readonly ClientId[]): Op<boolean> {
	const state = fs.unsynced.redoing.get(node.id) ?? createRedoing()
	fs.unsynced.redoing.set(node.id, state)
	const begun = Date.now() * 1_000 - TICK_MICROSECONDS_MAX
	const queues: Queue[] = clients.map((client) => ({ client, rows: [], at: 0, seq: state.through.get(client) ?? 0, isAll: false }))
	let many = 0
	try {
		for (;;) {
			const next = yield* takeNext(fs, node, queues)
			if (next === LOST || !takesChanges(node)) return false
			if (!next) break
			if (yield* redoRow(fs, node, next.row, { state, begun })) many++
			state.through.set(next.client, next.row.seq)
			waitsFor(fs, node.id, { client: next.client, seq: next.row.seq })
		}
	} catch (error) {
		// From there on it is tried again in a later round.
		if (!isNodeTrouble(error)) throw error
		return false
	} finally {
		if (many > 0) fs.report(`node ${node.name}: ${many} changes that its disk had forgotten were made again`)
	}
	if (many > 0) yield* keep(fs, node)
	const others = clients.filter((client) => client !== fs.client)
	fs.unsynced.redoing.set(node.id, createRedoing([...state.finished, ...others]))
	return true
}

/** Before others build on it. */
function* keep(fs: Filesystem, node: Node): Op<void> {
	if (node.disk) yield* syncNode(fs, node, node.disk)
	yield* wait(flushLater(fs))
}

/** Of one client, read page by page. */
interface Queue {
	client: ClientId
	rows: CarriedRow[]
	at: number
	seq: number
	isAll: boolean
}

/** Another process has the lease. */
const LOST = 'lost'

/** The first of what each has left. */
function* takeNext(fs: Filesystem, node: Node, queues: readonly Queue[]): Op<{ client: ClientId; row: CarriedRow } | typeof LOST | undefined> {
	for (const queue of queues) {
		if (queue.at < queue.rows.length || queue.isAll) continue
		if (!(yield* takeLease(fs, LEASE, LEASE_SECONDS))) return LOST
		const rows = yield* wait(carried.ofClient(fs.catalogue, queue, node.id, PAGE_ROWS_MAX))
		Object.assign(queue, { rows, at: 0, isAll: rows.length < PAGE_ROWS_MAX, seq: rows.at(-1)?.seq ?? queue.seq })
	}
	const first = queues.filter(({ at, rows }) => at < rows.length).sort((a, b) => a.rows[a.at].seq - b.rows[b.at].seq)[0]
	return first && { client: first.client, row: first.rows[first.at++] }
}

/** True when it had to be done again. */
function* redoRow(fs: Filesystem, node: Node, row: CarriedRow, { state, begun }: { state: Redoing; begun: number }): Op<boolean> {
	const [path, toPath] = [row.path, row.to_path ?? ''].map((bytes) => Buffer.from(bytes))
	const since = row.seq < state.since ? Math.min(state.since, begun) : begun
	const step: Step = { nodeId: node.id, op: row.op, path, toPath, fileId: row.file_id, token: row.token, inodes: inodesOf(row.inode), seq: row.seq, since, state }
	const again = yield* whatToDo(fs, node, step)
	if (!again) return false
	state.since = Math.min(state.since, begun)
	for (const id of yield* idsAt(node, [path, toPath, parentOf(path), parentOf(toPath)])) state.touched.add(id)
	if (again === RETURNED) yield* keepStray(fs, node, path, `${path} is back, whose successor was lost`)
	else yield* doAgain(fs, node, again, state)
	return true
}

/** What replaced it is lost with the power, and then the name was taken away: it must not come back for that. */
const RETURNED = 'returned'

/**
 * The tree is in use meanwhile. What was looked at may have been moved on before the catalogue was asked whose it is, and by now somebody's new
 * file may have its name: what is done next, without waiting for anything, is done to what was judged or not at all.
 */
function* whatToDo(fs: Filesystem, node: Node, step: Step): Op<Intent | typeof RETURNED | undefined> {
	for (;;) {
		const judged = yield* inodesAt(node, [step.path, step.toPath])
		const forgotten = yield* whatIsForgotten(fs, node, step)
		const again = forgotten ?? ((yield* hasReturned(fs, node, step)) ? RETURNED : undefined)
		if (!again) return undefined
		const now = yield* inodesAt(node, [step.path, step.toPath])
		// What stands where it went is of no account to one that came back, and may be written all the time.
		const many = forgotten?.toPath?.length ? 2 : 1
		if (isDeepStrictEqual(judged.slice(0, many), now.slice(0, many))) return again
	}
}

function* inodesAt(node: Node, paths: readonly Path[]): Op<Array<Inode | undefined>> {
	const inodes: Array<Inode | undefined> = []
	for (const path of paths) inodes.push(yield* wait(node.operations.inode(path)))
	return inodes
}

/** A directory that was lost as well, and is made for it, stands for the lost one from then on. */
function* doAgain(fs: Filesystem, node: Node, intent: Intent, { made, touched }: Redoing): Op<void> {
	const missing: Path[] = []
	for (let above = parentOf(intent.toPath as Path); above.length > 0; above = parentOf(above)) {
		if (!(yield* wait(node.operations.inode(above)))) missing.push(above)
	}
	yield* applyIntent(fs, node, intent)
	for (const id of yield* idsAt(node, missing)) {
		made.add(id)
		touched.add(id)
	}
}

function* idsAt(node: Node, paths: readonly Path[]): Op<string[]> {
	return (yield* inodesAt(node, paths)).flatMap((inode) => (inode ? [inode.id] : []))
}
