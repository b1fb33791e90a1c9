/**
 * Doing once more, after a crash, what a node's disk has forgotten. What a disk has then is what was done up to some moment, in order, and
 * nothing of what came after. So the rows are gone through in their order, and each is done again if what it was about stands where it
 * stood before and nothing has happened to it since: names are used again, and files come back to them.
 */
import * as carried from '../catalogue/carried.ts'
import type { CarriedRow } from '../catalogue/carried.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import type { ClientId, FileId, NodeId, Path } from '../ids.ts'
import { applyIntent, isHalfExchanged, isNodeTrouble } from '../intents.ts'
import type { Inode, Node } from '../nodes/node.ts'
import { takesChanges } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { fileAt } from '../stats/paths.ts'
import { isRunning, takeLease } from './clients.ts'
import type { Filesystem } from './filesystem.ts'
import { hasPlainCopies } from './remove.ts'
import { BETWEEN_TWO, cameBack, waitsFor } from './unsynced.ts'

const LEASE_SECONDS = 60
/** Gone through well within a lease. */
const PAGE_ROWS_MAX = 2_000
/** Ours is in milliseconds, cut off. */
const ROUNDED_MICROSECONDS = 1_000
/** What the kernel writes down as the time of a change may be that of its last tick. */
const TICK_MICROSECONDS_MAX = 12_000

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

/** What a row says, and when it began to be done again. */
type Step = Intent & { toPath: Path; inode: string; seq: number; since: number }

/** True when it had to be done again. */
function* redoRow(fs: Filesystem, node: Node, row: CarriedRow, since: number): Op<boolean> {
	const [path, toPath] = [row.path, row.to_path ?? ''].map((bytes) => Buffer.from(bytes))
	const step: Step = { nodeId: node.id, op: row.op, path, toPath, fileId: row.file_id, token: row.token, inode: row.inode, seq: row.seq, since }
	const again = yield* whatIsForgotten(fs, node, step)
	if (again) yield* applyIntent(fs, node, again)
	return again !== undefined || (yield* putAwayReplaced(fs, node, step))
}

function* whatIsForgotten(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { op, path, toPath, inode, fileId } = step
	if (op === 'exchange') return yield* exchangeAgain(fs, node, step)
	if (!(yield* isWhereItWas(fs, node, step, { path, inode, fileId }))) return undefined
	return op === 'unlink' || op === 'rmdir' || (yield* isFree(fs, node, step, toPath)) ? step : undefined
}

/** Where one of the two is lost the other goes to its place all the same. */
function* exchangeAgain(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { path, toPath, inode, fileId } = step
	if (yield* isHalfExchanged(node, step.token)) return step
	const [first, second] = inode.split(BETWEEN_TWO)
	const isFirst = yield* isWhereItWas(fs, node, step, { path, inode: first, fileId })
	const isSecond = yield* isWhereItWas(fs, node, step, { path: toPath, inode: second })
	if (isFirst && isSecond) return step
	if (isFirst && (yield* isFree(fs, node, step, toPath))) return { ...step, op: 'rename' }
	if (isSecond && (yield* isFree(fs, node, step, path))) return { ...step, op: 'rename', path: toPath, toPath: path }
	return undefined
}

/** Whatever happened to a file happened after all that was done before: its time says how far the disk has come. */
function* isWhereItWas(fs: Filesystem, node: Node, step: Step, { path, inode, fileId }: { path: Path; inode: string; fileId?: FileId }): Op<boolean> {
	const here = yield* wait(node.operations.inode(path))
	// A link that was made leaves the name where it was.
	const margin = step.op === 'link' ? -TICK_MICROSECONDS_MAX : ROUNDED_MICROSECONDS
	if (here?.id !== inode || isYounger(here, step, margin)) return false
	// It may have come back, and as it is there by right it may as well stay.
	return fileId === undefined || !isYounger(here, step, -TICK_MICROSECONDS_MAX) || (yield* ownerOf(fs, node, path)) !== fileId
}

/** What is there was to be replaced. */
function* isFree(fs: Filesystem, node: Node, step: Step, path: Path): Op<boolean> {
	const there = yield* wait(node.operations.inode(path))
	return there === undefined || !isYounger(there, step, -TICK_MICROSECONDS_MAX) || (yield* ownerOf(fs, node, path)) === step.fileId
}

/** What replaced it is lost with the power, and then the name was taken away: it must not come back for that. */
function* putAwayReplaced(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	if (step.op !== 'rename' && step.op !== 'move') return false
	const there = yield* wait(node.operations.inode(step.toPath))
	if (there === undefined || there.id === step.inode || isYounger(there, step, -TICK_MICROSECONDS_MAX)) return false
	if ((yield* ownerOf(fs, node, step.toPath)) !== undefined) return false
	const aside = yield* wait(node.operations.setAside(step.toPath))
	fs.report(`node ${node.name}: ${step.toPath} is back, whose successor was lost, and is kept as ${aside}`)
	return true
}

function isYounger({ changed }: Inode, { seq, since }: Step, byMicroseconds: number): boolean {
	return changed >= seq + byMicroseconds && changed < since
}

/** The file that has the name in the tree, if it has a copy on the node; a directory wherever it is. */
function* ownerOf(fs: Filesystem, node: Node, path: Path): Op<FileId | undefined> {
	const id = yield* fileAt(fs.catalogue, path)
	if (id === undefined) return undefined
	const [[row], copies] = (yield* wait(fs.catalogue.read(files.findQuery(id), replicas.ofFileQuery(id)))) as [FileRow[], ReplicaRow[]]
	return row && (!hasPlainCopies(row) || copies.some((copy) => copy.node_id === node.id)) ? id : undefined
}
