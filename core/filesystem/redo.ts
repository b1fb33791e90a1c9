/**
 * Doing once more, after a crash, what a node's disk has forgotten (forgotten.ts tells what). What a disk has then is what was done up to some
 * moment, in order, and nothing of what came after. So the rows are gone through in their order.
 */
import * as carried from '../catalogue/carried.ts'
import type { CarriedRow } from '../catalogue/carried.ts'
import type { ClientId, NodeId } from '../ids.ts'
import { applyIntent, isNodeTrouble } from '../intents.ts'
import type { Node } from '../nodes/node.ts'
import { takesChanges } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { isRunning, takeLease } from './clients.ts'
import type { Filesystem } from './filesystem.ts'
import { hasReturned, type Step, TICK_MICROSECONDS_MAX, whatIsForgotten } from './forgotten.ts'
import { cameBack, waitsFor } from './unsynced.ts'

const LEASE_SECONDS = 60
/** Gone through well within a lease. */
const PAGE_ROWS_MAX = 2_000

/** What clients had carried out that are gone; and what this one had, on a node that is back. */
export function* redo(fs: Filesystem): Op<void> {
	for (let client = 0; ; ) {
		const next = yield* wait(carried.clientAfter(fs.catalogue, client))
		if (!next) return
		client = next.client_id
		if (client === fs.client) yield* redoOwn(fs)
		else if (!(yield* isRunning(fs, fs.catalogue, client))) yield* redoOf(fs, client, [...fs.nodes.values()])
	}
}

function* redoOwn(fs: Filesystem): Op<void> {
	const back = [...fs.nodes.values()].filter((node) => cameBack(fs, node) && takesChanges(node))
	if (back.length === 0) return
	for (const { id } of back) {
		fs.unsynced.waiting.delete(id)
		fs.unsynced.waitsSinceMs.delete(id)
	}
	fs.unsynced.redoing.delete(fs.client)
	yield* redoOf(fs, fs.client, back)
}

/** What is found done is not on the disk for that: it is when the node was synced. */
function* redoOf(fs: Filesystem, client: ClientId, nodes: readonly Node[]): Op<void> {
	const since = beginning(fs, client)
	const left = new Set<NodeId>()
	const done = new Map<Node, number>()
	// Those gone through by this process before are passed over; what was left then comes again when the others are synced.
	let seq = Math.max(0, ...nodes.map(({ id }) => fs.unsynced.waiting.get(id)?.get(client) ?? 0))
	for (let isMore = true; isMore && (yield* takeLease(fs, 'redo', LEASE_SECONDS)); ) {
		const rows = yield* wait(carried.ofClient(fs.catalogue, { client, seq }, PAGE_ROWS_MAX))
		for (const row of rows) {
			const node = nodes.find(({ id }) => id === row.node_id)
			if (!node?.disk || !takesChanges(node) || left.has(node.id)) continue
			try {
				if (yield* redoRow(fs, node, row, since)) done.set(node, (done.get(node) ?? 0) + 1)
				waitsFor(fs, node.id, { client, seq: row.seq })
			} catch (error) {
				if (!isNodeTrouble(error)) throw error
				// From there on it is tried again in a later round.
				left.add(node.id)
			}
		}
		isMore = rows.length === PAGE_ROWS_MAX
		if (isMore) seq = rows[rows.length - 1].seq
	}
	for (const [node, many] of done) fs.report(`node ${node.name}: ${many} changes that its disk had forgotten were made again`)
}

/** When this process began with it, in microseconds: what was changed later was changed by doing it again. */
function beginning({ unsynced }: Filesystem, client: ClientId): number {
	const since = unsynced.redoing.get(client) ?? Date.now() * 1_000 - TICK_MICROSECONDS_MAX
	unsynced.redoing.set(client, since)
	return since
}

/** True when it had to be done again. */
function* redoRow(fs: Filesystem, node: Node, row: CarriedRow, since: number): Op<boolean> {
	const [path, toPath] = [row.path, row.to_path ?? ''].map((bytes) => Buffer.from(bytes))
	const step: Step = { nodeId: node.id, op: row.op, path, toPath, fileId: row.file_id, token: row.token, inode: row.inode, seq: row.seq, since }
	const again = yield* whatIsForgotten(fs, node, step)
	if (again) yield* applyIntent(fs, node, again)
	return again !== undefined || (yield* putAwayReturned(fs, node, step))
}

/** What replaced it is lost with the power, and then the name was taken away: it must not come back for that. */
function* putAwayReturned(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	if (!(yield* hasReturned(fs, node, step))) return false
	const aside = yield* wait(node.operations.setAside(step.path))
	fs.report(`node ${node.name}: ${step.path} is back, whose successor was lost, and is kept as ${aside}`)
	return true
}
