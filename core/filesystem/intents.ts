/**
 * Intents: writing them down in the transaction that decides them, carrying them out at once, and giving up what cannot be. What one does to a node
 * is in apply-intent.ts.
 */
import type { Transaction } from '../catalogue/driver.ts'
import type { Intent, IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import type { NodeId } from '../ids.ts'
import { covers, standsInTheWay } from '../in-the-way.ts'
import type { Node } from '../nodes/node.ts'
import { inService, takesChanges } from '../nodes/service.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { isOurs } from './alive.ts'
import { applyIntent } from './apply-intent.ts'
import { touchArriving } from './arriving.ts'
import { type Filesystem, runAside } from './filesystem.ts'
import { STANDING_ROWS_MAX } from './standing.ts'
import { toBeKept } from './unsynced.ts'

/** By node, from the oldest on; where there are 10,000 of them there may be more. */
export type Standing = ReadonlyMap<NodeId, readonly IntentRow[]>

/**
 * Writes intents down in the transaction that decides them. What is returned may be carried out at once; the rest has to
 * wait its turn behind older intents on the same paths, and is left to whoever settles the node. `standing` says whether
 * any intent stands anywhere, `known` which: of nodes whose rows this transaction has read already.
 */
export function* intend(fs: Filesystem, tx: Transaction, list: readonly Intent[], standing: boolean, known?: Standing): Op<Intent[]> {
	return enter(fs, tx, list, standing ? yield* unobstructed(fs, tx, list, known) : [...list])
}

/** The same of what is of no use later: nothing is written where any of it would have to wait. */
export function* intendNow(fs: Filesystem, tx: Transaction, list: readonly Intent[]): Op<Intent[]> {
	const free = yield* unobstructed(fs, tx, list)
	return free.length === list.length ? enter(fs, tx, list, free) : []
}

function enter(fs: Filesystem, tx: Transaction, list: readonly Intent[], free: Intent[]): Intent[] {
	if (fs.arriving.size > 0) touchArriving(fs.arriving, list)
	let last: number | undefined
	for (const { token } of free) {
		if (token !== last) carries(fs, tx, token)
		last = token
	}
	for (const intent of list) {
		const isFree = free.includes(intent)
		if (!isFree) fs.queued.add(intent.nodeId)
		intents.insert(tx, isFree ? fs.client : null, intent, fs.capabilities)
	}
	return free
}

const tokens = new WeakMap<object, number[]>()

/** Before the commit: from then on the rows are seen, and are not to be taken for done. */
export function carries(fs: Filesystem, tx: Transaction, token: number): void {
	fs.carrying.add(token)
	tokens.set(tx, [...tokensOf(tx), token])
}

/** Of the intents that are written in a transaction and not left to others. */
export function tokensOf(transaction: object): readonly number[] {
	return tokens.get(transaction) ?? []
}

/**
 * Those that touch no older intent on their node. Rows of intents that were carried out go in the same transaction: found
 * after a crash together with the new ones, they would be carried out again before them, and undo what these build on.
 */
function* unobstructed(fs: Filesystem, tx: Transaction, list: readonly Intent[], known?: Standing): Op<Intent[]> {
	const free: Intent[] = []
	for (const [nodeId, own] of perNode(list)) {
		if (isAway(fs, nodeId)) continue
		const rows = known?.get(nodeId) ?? (yield* wait(intents.standing(tx, nodeId, STANDING_ROWS_MAX)))
		const paths = own.flatMap(bothPaths)
		const near = rows.filter((row) => touches(row, paths))
		for (const row of near) if (isDone(fs, row)) intents.remove(tx, row)
		const stopped = rows.length === STANDING_ROWS_MAX || near.some((row) => !isDone(fs, row))
		// All of one operation or nothing: they build on each other.
		if (!stopped) free.push(...own)
	}
	return free
}

/**
 * What is decided there waits in any case: however many intents stand, none is looked at. Where a call is stuck the rows have to keep this client's
 * name, or others would be there before it.
 */
function isAway(fs: Filesystem, id: NodeId): boolean {
	const node = fs.nodes.get(id)
	return node !== undefined && !inService(node) && node.health.stuck === 0
}

/** Whether an intent has to be through before others on these paths. */
export function touches(row: IntentRow, paths: readonly Buffer[]): boolean {
	if (paths.some((path) => standsInTheWay(row, path))) return true
	const others = bothPaths(row)
	return paths.some((path) => others.some((other) => covers(path, other)))
}

function bothPaths({ op, path, toPath, to_path }: { op: string; path: Uint8Array; toPath?: Uint8Array | null; to_path?: Uint8Array | null }): Buffer[] {
	const second = op === 'symlink' ? null : (toPath ?? to_path ?? null)
	return (second ? [path, second] : [path]).map((bytes) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
}

/**
 * Carries out what this client has just decided, on every node that answers, and has the rows deleted with the next
 * transaction. What a node could not do stays standing for whoever settles it; what has to wait for others there has its turn soon.
 */
export function* carryOut(fs: Filesystem, list: readonly Intent[]): Op<void> {
	if (list.length > 0) yield* carryOutAll(fs, list)
	if (fs.queued.size > 0) yield* wait(fs.onQueued())
}

function* carryOutAll(fs: Filesystem, list: readonly Intent[]): Op<void> {
	const { token } = list[0]
	if (!isOurs(fs, token)) return leave(fs, undefined, list)
	const pending: Array<Promise<boolean>> = []
	let allDone = true
	for (const [nodeId, own] of perNode(list)) {
		const result = run(carryOutOn(fs, nodeId, own))
		if (isPromise(result)) pending.push(result)
		else allDone &&= result
	}
	if (pending.length > 0) allDone = (yield* wait(Promise.all(pending))).every(Boolean) && allDone
	if (allDone) fs.carrying.delete(token)
}

/**
 * The same once the caller has his answer: the catalogue has decided, and should this process end before, the rows stand.
 * Only where nobody can come in between. Another client may: told of the answer, it would find the node as it was before.
 * And what a remote node has to do is waited for, because other requests are served meanwhile.
 */
export function* carryOutAfterwards(fs: Filesystem, list: readonly Intent[]): Op<void> {
	const { afterAnswer } = fs
	const isAlone = !fs.shared && fs.capabilities.synchronous && !list.some(({ nodeId }) => fs.nodes.get(nodeId)?.remote)
	if (afterAnswer && isAlone) afterAnswer(() => runAside(fs, 'carrying out what was decided', carryOut(fs, list)))
	else yield* carryOut(fs, list)
}

/** A row of this client that was carried out already and goes with its next transaction. */
export function isDone(fs: Filesystem, row: IntentRow): boolean {
	return row.client_id === fs.client && !fs.carrying.has(row.token)
}

function perNode(list: readonly Intent[]): Map<NodeId, Intent[]> {
	const byNode = new Map<NodeId, Intent[]>()
	for (const intent of list) {
		const own = byNode.get(intent.nodeId)
		if (own) own.push(intent)
		else byNode.set(intent.nodeId, [intent])
	}
	return byNode
}

/** True when all of them were carried out. */
function* carryOutOn(fs: Filesystem, nodeId: NodeId, list: Intent[]): Op<boolean> {
	const node = fs.nodes.get(nodeId)
	// What was found there a moment ago, before the transaction, another may have moved since.
	if (fs.shared && node?.remote === false) node.operations.forgetDirectories()
	for (const [index, intent] of list.entries()) {
		const done = node && takesChanges(node) ? yield* attempt(fs, node, intent) : false
		if (!done) {
			leave(fs, node, list.slice(index))
			return false
		}
	}
	return true
}

/** False when it has to stand until the node is well. */
function* attempt(fs: Filesystem, node: Node, intent: Intent): Op<boolean> {
	try {
		const kept = yield* toBeKept(fs, node, intent)
		yield* applyIntent(fs, node, intent)
		fs.later.add(intents.doneQuery(fs.client, intent))
		if (kept) fs.later.add(kept)
		return true
	} catch (error) {
		if (isNodeTrouble(error)) return false
		throw error
	}
}

/**
 * To whoever settles the node. A call that timed out may still happen there. Until it has returned nobody else may carry the intent out: the row
 * keeps this client's name.
 */
export function leave(fs: Filesystem, node: Node | undefined, list: readonly Intent[]): void {
	if (node && node.health.stuck > 0) {
		setTimeout(() => leave(fs, node, list), 1_000).unref()
		return
	}
	for (const intent of list) fs.later.add(intents.leaveQuery(fs.client, intent))
}
