/**
 * The moment a copy goes. What was seen on the nodes counts for seconds only; the catalogue is asked once more in the
 * transaction that takes the copy away, with the file locked, so that two who want to remove the last two copies of a file come
 * one after the other, and the second finds that it may not.
 */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as conflicts from '../../core/catalogue/conflicts.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { Errno } from '../../core/errors.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { intend } from '../../core/filesystem/intents.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Maybe, type Op, run as drive } from '../../core/op.ts'
import { type Facts, factsOf, isBlocked, isSame } from '../proof/facts.ts'
import { carryOutInTime, isTooLate } from '../proof/in-time.ts'
import { isStill, type Seen } from '../proof/others.ts'
import { isStillOurs, type Replicator } from '../replicator.ts'
import { isEnough, isToStay } from './enough.ts'
import { type Stray, straysAmong } from './strays.ts'

/** Decided and committed; the node has yet to be told. */
export interface Removal {
	made: Intent[]
	seenMs: number
	/** Kept aside on the node. */
	strays: Stray[]
}

export type Decision = { removal: Removal } | { kept: string }

export interface Request {
	facts: Facts
	seen: Seen[]
}

export async function decide(rep: Replicator, request: Request): Promise<Decision> {
	const seenMs = performance.now()
	for (const each of request.seen) if (!(await isStill(each, request.facts))) return { kept: `the copy on ${each.node.name} has changed` }
	const token = rep.fs.nextToken++
	const strays = await straysOrTrouble(rep, request)
	if (strays instanceof Errno) return { kept: `what is there cannot be looked at: ${strays.message}` }
	return await transact(rep.fs, function* (tx) {
		const why = yield* refusal(rep, tx, request, seenMs)
		if (why !== undefined) return { kept: why }
		return { removal: { made: yield* enter(rep, tx, { ...request, strays }, token), seenMs, strays } }
	})
}

async function straysOrTrouble({ node }: Replicator, { facts }: Request): Promise<Stray[] | Errno> {
	try {
		return await drive(straysAmong(node, facts))
	} catch (error) {
		if (error instanceof Errno) return error
		throw error
	}
}

function* refusal(rep: Replicator, tx: Transaction, { facts, seen }: Request, seenMs: number): Op<string | undefined> {
	const { fs, node } = rep
	if (!(yield* isStillOurs(rep, tx))) return 'another process has taken over'
	const now = yield* factsOf(fs, tx, facts.id, fs.capabilities.forUpdate)
	if (!now || !isSame(facts, now)) return 'it has changed meanwhile'
	if (!now.copies.some((copy) => copy.node_id === node.id && copy.state === REPLICA.surplus)) return 'it has changed meanwhile'
	if (!isEnough(now.rule, stillGood(now, seen), node)) return 'another of its copies has gone meanwhile'
	for (const each of seen) if (yield* isBlocked(fs, tx, each.node.id, now.paths)) return `${each.node.name} has yet to be told of a change`
	// Last: whatever the transaction waited for lies before this.
	if (isTooLate(seenMs)) return 'it took too long since the others were seen'
	return undefined
}

function stillGood(now: Facts, seen: readonly Seen[]): Node[] {
	const good = now.copies.filter((copy) => copy.state === REPLICA.good && copy.version === now.version).map((copy) => copy.node_id)
	return seen.map(({ node }) => node).filter((node) => good.includes(node.id) && isToStay(node))
}

function* enter({ fs, node }: Replicator, tx: Transaction, { facts, seen, strays }: Request & { strays: readonly Stray[] }, token: number): Op<Intent[]> {
	const { id, version, paths } = facts
	for (const { node: holder, wasRead } of seen) {
		if (wasRead) hashes.setProved(tx, { file: id, node: holder.id, version }, fs.capabilities)
	}
	replicas.remove(tx, id, node.id)
	const common = { nodeId: node.id, fileId: id, token }
	for (const { path, aside, stat: { size, mtime } } of strays) conflicts.insert(tx, { ...common, path, aside, reason: 'differs', size, mtime }, fs.capabilities)
	const list = paths.map((path): Intent => {
		const stray = strays.find((each) => each.path.equals(path))
		return stray ? { ...common, op: 'rename', path, toPath: stray.aside } : { ...common, op: 'unlink', path, toPath: null }
	})
	return yield* intend(fs, tx, list, true)
}

/** The nodes are told when nothing can bring back a catalogue that believes in the copies. */
export async function carryOutAll(fs: Filesystem, removals: readonly Removal[]): Promise<void> {
	if (removals.length === 0) return
	await fs.catalogue.sync()
	for (const { made, seenMs } of removals) await drive(carryOutInTime(fs, made, seenMs))
}

/** A copy that is needed after all. False when it is not what it was any more. */
export function takeBack(rep: Replicator, facts: Facts, own: Seen): Maybe<boolean> {
	const { fs, node } = rep
	return transact(fs, function* (tx) {
		if (!(yield* isStillOurs(rep, tx))) return false
		const now = yield* factsOf(fs, tx, facts.id, fs.capabilities.forUpdate)
		const copy = now?.copies.find(({ node_id }) => node_id === node.id)
		if (!now || !isSame(facts, now) || copy?.state !== REPLICA.surplus || copy.version !== now.version) return false
		replicas.setState(tx, facts.id, node.id, REPLICA.good)
		if (own.wasRead) hashes.setProved(tx, { file: facts.id, node: node.id, version: facts.version }, fs.capabilities)
		return true
	})
}
