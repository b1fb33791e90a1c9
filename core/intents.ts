/**
 * Carrying intents out on nodes. Every step here may be done twice with the same result, because whoever finds the row
 * after a crash cannot know how far the other came.
 */
import type { Transaction } from './catalogue/driver.ts'
import type { Intent, IntentRow } from './catalogue/intents.ts'
import * as intents from './catalogue/intents.ts'
import * as files from './catalogue/files.ts'
import * as writers from './catalogue/writers.ts'
import * as xattrs from './catalogue/xattrs.ts'
import { codeOf } from './errors.ts'
import { exchange, holdOf } from './exchange.ts'
import { isOurs } from './filesystem/alive.ts'
import { touchArriving } from './filesystem/arriving.ts'
import { type Filesystem, runAside } from './filesystem/filesystem.ts'
import { keepStray, removeHollow } from './filesystem/keep-stray.ts'
import { isNoDirectory, makeParentsHeld } from './filesystem/materialise.ts'
import { isUnused } from './filesystem/opening.ts'
import { pathsOf } from './filesystem/paths.ts'
import { toBeKept } from './filesystem/unsynced.ts'
import type { NodeId, Path } from './ids.ts'
import { covers, standsInTheWay } from './in-the-way.ts'
import { exists, unlessGone } from './nodes/lacking.ts'
import type { Node } from './nodes/node.ts'
import { takesChanges } from './nodes/service.ts'
import { isKeptOnNodes } from './nodes/xattrs.ts'
import { isPromise, type Op, run, wait } from './op.ts'

/** The node is in trouble, not the intent: it stands, and is carried out when the node is well. */
const NODE_TROUBLE = new Set([
	'ETIMEDOUT', 'ENOTCONN', 'EIO', 'ESTALE', 'ENODEV', 'ENXIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'ECONNRESET', 'EHOSTDOWN', 'EREMOTEIO',
	'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM', 'EBUSY',
])

export function isNodeTrouble(error: unknown): boolean {
	return NODE_TROUBLE.has(codeOf(error))
}

const STANDING_ROWS_MAX = 10_000
const NAMES_MAX = 100

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

type Deed = Pick<Intent, 'op' | 'path' | 'toPath' | 'fileId' | 'token' | 'isNew' | 'replaces'>

/** What the operating system answers when something unknown stands in the way. */
const IN_THE_WAY = new Set(['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'ELOOP'])
const CANNOT_BE_OBSTRUCTED: ReadonlySet<string> = new Set(['attributes', 'xattrs', 'exchange'])
/** Of an intent: what it is about is nothing that the catalogue has. */
export const NO_FILE = 0
const REMOVES: ReadonlySet<string> = new Set(['unlink', 'rmdir'])
const HAS_SOURCE: ReadonlySet<string> = new Set(['rename', 'move', 'link'])
const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST'])
/** Whoever may not open the copy cannot set them: they are the catalogue's first of all. */
const NOT_ALLOWED = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * One intent on one node. Throws when the node is in trouble and it has to be tried again. What the node refuses for good
 * (an owner it does not know, a name it cannot hold) is reported: the catalogue's word stands, and trying for ever would
 * keep everything behind it waiting.
 */
export function* applyIntent(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	try {
		yield* withWayMade(fs, node, intent)
	} catch (error) {
		if (isNodeTrouble(error) && !isNoSuchThing(intent, error)) throw error
		fs.report(`node ${node.name}: ${intent.op} of ${intent.path} is refused: ${(error as Error).message}`)
	}
}

/** What the kernel says of a filesystem that knows no hard links, or no symbolic ones. */
function isNoSuchThing({ op }: Deed, error: unknown): boolean {
	return (op === 'link' || op === 'symlink') && codeOf(error) === 'EPERM'
}

function* withWayMade(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	try {
		yield* step(fs, node, intent)
	} catch (error) {
		if (!IN_THE_WAY.has(codeOf(error)) || CANNOT_BE_OBSTRUCTED.has(intent.op)) throw error
		if (REMOVES.has(intent.op) && isOthers(intent, codeOf(error))) return
		if (HAS_SOURCE.has(intent.op) && (yield* isGone(node, intent.path))) return
		yield* makeWay(fs, node, intent, error as Error)
	}
}

/** Also where something on the way to it is no directory: nothing stands in the way of what is not there. */
function* isGone(node: Node, path: Path): Op<boolean> {
	try {
		return !(yield* exists(node, path))
	} catch (error) {
		if (!isNoDirectory(error)) throw error
		return true
	}
}

/** Of what is to be removed there is nothing, and what stands there stays. So does what is in a directory that no file is: whoever made that takes it back. */
function isOthers({ fileId }: Deed, code: string): boolean {
	return fileId === NO_FILE || !NOT_EMPTY.has(code)
}

function* step(fs: Filesystem, node: Node, intent: Deed): Op<void> {
	const { operations } = node
	const to = intent.toPath as Path
	switch (intent.op) {
		case 'unlink':
			return yield* wait(operations.unlink(intent.path))
		case 'rmdir':
			return yield* wait(operations.removeDirectory(intent.path))
		case 'rename':
			return yield* rename(node, intent)
		case 'move':
			if (yield* exists(node, to)) return
			return yield* unlessGone(operations.rename.bind(operations, intent.path, to))
		case 'link':
			return yield* unlessGone(operations.link.bind(operations, intent.path, to))
		case 'symlink':
			yield* wait(operations.symlink(to, intent.path))
			return yield* applyAttributes(fs, node, intent)
		case 'exchange':
			fs.nodesMarked.add(node.id)
			return yield* exchange(node, intent.path, to, intent.token)
		case 'attributes':
			return yield* applyAttributes(fs, node, intent)
		case 'xattrs':
			return yield* applyXattrs(fs, node, intent)
	}
}

/** Across a network what is not there may have been renamed by a call whose answer was lost: there the replaced file is left to who comes to its name. */
function* rename({ operations, remote }: Node, { path, toPath, isNew, replaces }: Deed): Op<void> {
	try {
		yield* wait(operations.rename(path, toPath as Path, isNew))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		if (replaces && !remote) yield* wait(operations.unlink(toPath as Path))
	}
}

/** The attributes the catalogue has now, so that late and repeated ones end the same. */
function* applyAttributes(fs: Filesystem, node: Node, intent: { path: Path; fileId: number }): Op<void> {
	const [[row], pins] = (yield* wait(
		fs.catalogue.read(files.findQuery(intent.fileId), writers.ofFileQuery(intent.fileId)),
	)) as [files.FileRow[], writers.WriterRow[]]
	if (!row) return
	const mode = row.kind === files.KIND.symlink ? undefined : row.mode
	const owner = { mode, uid: row.uid, gid: row.gid }
	// Where the file is being written, its times are the disk's to tell until it is published.
	const times = { atime: row.atime, atimeNs: row.atime_ns, mtime: row.mtime, mtimeNs: row.mtime_ns }
	// Of this process's pins some are about to be removed: nobody writes by them any more.
	const beingWritten = pins.some((pin) => pin.node_id === node.id && !(pin.client_id === fs.client && isUnused(fs, row.id)))
	yield* unlessGone(() => node.operations.setAttributes(intent.path, beingWritten ? owner : { ...owner, ...times }))
}

/** Those the catalogue has now. */
function* applyXattrs(fs: Filesystem, node: Node, { path, fileId }: Deed): Op<void> {
	const [[row], all] = (yield* wait(fs.catalogue.read(files.findQuery(fileId), xattrs.ofFileQuery(fileId)))) as [files.FileRow[], xattrs.XattrRow[]]
	if (!row) return
	try {
		yield* unlessGone(() => node.operations.setXattrs(path, all.filter(({ name }) => isKeptOnNodes(name))))
	} catch (error) {
		if (!NOT_ALLOWED.has(codeOf(error))) throw error
	}
}

/**
 * Something stands in the way that the catalogue does not know of (a stray file of that name, a directory that is not
 * empty), or where one of the directories above should be. It is nobody's to delete: it is set aside, and the intent is tried once more.
 */
function* makeWay(fs: Filesystem, node: Node, intent: Deed, why: Error): Op<void> {
	const inTheWay = HAS_SOURCE.has(intent.op) ? (intent.toPath as Path) : intent.path
	try {
		// Somebody was about to bring a file there, and has made directories for it.
		const wasHollow = yield* removeHollow(node, inTheWay)
		if (wasHollow && intent.op === 'rmdir') return
		if (!wasHollow) yield* keepStray(fs, node, inTheWay, `${inTheWay} stood in the way of ${intent.op} (${why.message})`)
	} catch (error) {
		if (!isNoDirectory(error)) throw error
		const named = (yield* pathsOf(fs, intent.fileId, NAMES_MAX)).find(({ path }) => path.equals(inTheWay))
		if (named) yield* makeParentsHeld(fs, node, named.parent)
	}
	yield* unlessGone(() => run(step(fs, node, intent)))
}

/** Somebody may have carried it out, or a part of it. */
export function* mayHaveBegun(node: Node, { op, path, toPath, token }: Deed): Op<boolean> {
	const isThere = function* (at: Path) {
		return (yield* wait(node.operations.inode(at))) !== undefined
	}
	if (op === 'exchange') return yield* isThere(Buffer.from(holdOf(token)))
	return op === 'link' ? yield* isThere(toPath as Path) : !(yield* isThere(path))
}
