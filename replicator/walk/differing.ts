/** A known regular file that stands where it should and is not simply as it was left: what is it, and what is to be done? */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { ConflictReason } from '../../core/catalogue/conflicts.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import * as walks from '../../core/catalogue/walks.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { wait } from '../../core/op.ts'
import { compare, isGood, isOutdated, isSameTime, isSuspect } from './compare.ts'
import { asidePath } from '../proof/aside.ts'
import { setAside, tellConflict } from './conflict.ts'
import { conclude, type Finding } from './finding.ts'
import { hashOf, hashOnDisk, tellUnreadable } from './look.ts'
import { askOthers, isGoodElsewhere, type Others } from './others.ts'
import type { Walking } from './walking.ts'

type Met = Finding & { stat: Stat }

export async function settleDifference(walking: Walking, finding: Met): Promise<boolean> {
	const { options, run } = walking
	const { row, stat, path } = finding
	// Being made: there is nothing to compare with.
	if (row.version === 0) return false
	const verdict = compare(row, stat)
	if (verdict === 'outdated' || (verdict === 'known' && !options.rehash)) return counted(walking, verdict, 0)
	const isSameSize = stat.size === row.size
	const others = await askOthers(walking, row, path, isSameSize)
	if (!isSameSize) return await settleOther(walking, finding, others, 'differs')
	const here = await (isSuspect(row) ? hashOnDisk : hashOf)(walking, path)
	if (here instanceof Error) {
		tellUnreadable(walking, path, here)
		return true
	}
	if (others.hash?.equals(here.hash)) return await settleSame(walking, finding, here.hash)
	// Two that count, by size and time the file both of them.
	const mayBeRight = isGood(row) && isSameTime(stat, row) && !others.isKnown
	if (others.hash && !mayBeRight) return await settleOther(walking, finding, others, isSameTime(stat, row) ? 'damaged' : 'differs')
	if (isSameTime(stat, row) && others.many === 0 && isLastKnown(finding) && !isSuspect(row)) return await settleSame(walking, finding, here.hash)
	if (isGood(row) && others.many === 0) return await settleOther(walking, finding, others, 'differs')
	run.trouble(path, 'there is nothing to tell by: no hash is known, and other copies differ or cannot be looked at')
	return true
}

/** Nobody ever had another content of this version: a copy that was gone for a while. */
function isLastKnown({ row }: Finding): boolean {
	return row.replica_version === row.version
}

async function settleSame(walking: Walking, finding: Met, hash: Buffer): Promise<boolean> {
	const { fs, node, options } = walking
	const { row, stat, path } = finding
	const repairs = !isSameTime(stat, row)
	const outcome = isGood(row) ? (repairs ? 'repaired' : 'proved') : 'copy'
	if (options.dryRun) return counted(walking, outcome, stat.size)
	const isWritten = await conclude(walking, finding, function* (tx, { token }) {
		hashes.setHash(tx, row.id, row.version, hash)
		walks.setGood(tx, row.id, node.id, row.version, fs.capabilities)
		const attributes: Intent = { nodeId: node.id, op: 'attributes', path, toPath: null, fileId: row.id, token }
		return repairs ? [attributes] : []
	})
	return isWritten && counted(walking, outcome, stat.size)
}

/** Its content is another. Moved away only where the tree has the file elsewhere. */
async function settleOther(walking: Walking, finding: Met, others: Others, reason: ConflictReason): Promise<boolean> {
	const { node, options, run } = walking
	const { row, path } = finding
	if (isOutdated(row) || row.replica_state === REPLICA.surplus) return counted(walking, 'outdated', 0)
	if (others.many === 0) return await leaveInPlace(walking, finding, reason)
	if (isGood(row) && others.seen.length === 0) {
		run.trouble(path, 'its content is not the known one, and no other good copy can be seen now; it is left where it is')
		return true
	}
	if (options.dryRun) return tellConflict(walking, path, 'has another content than is known and would be set aside')
	const aside = asidePath(path)
	const isWritten = await conclude(walking, finding, function* (tx, { copies, token }) {
		const good = copies.filter((copy) => isGoodElsewhere(copy, row, node))
		if (!good.some((copy) => others.seen.length === 0 || others.seen.some(({ id }) => id === copy.node_id))) return undefined
		if (row.replica_state !== null) replicas.setLost(tx, row.id, node.id)
		return [setAside(walking, tx, { finding, aside, reason, token })]
	})
	return isWritten && tellConflict(walking, path, `has another content than is known; it is kept as ${aside}`)
}

/** The only copy there is was changed on the node itself. */
async function leaveInPlace(walking: Walking, finding: Met, reason: ConflictReason): Promise<boolean> {
	const { fs, node, options } = walking
	const { row, stat, path } = finding
	const why = 'has another content than is known and is the only copy; it is left where it is'
	if (options.dryRun) return tellConflict(walking, path, why)
	const isWritten = await conclude(walking, finding, function* (tx) {
		const [known] = yield* wait(tx.read(conflicts.inPlaceQuery(node.id, path)))
		if (known.length === 0) conflicts.insert(tx, { nodeId: node.id, path, aside: null, fileId: row.id, reason, size: stat.size, mtime: stat.mtime }, fs.capabilities)
		// Rotten, not edited: an error is better than wrong bytes.
		if (reason === 'damaged' && isGood(row)) replicas.setState(tx, row.id, node.id, REPLICA.suspect)
		return []
	})
	return isWritten && tellConflict(walking, path, why)
}

function counted({ run }: Walking, outcome: string, bytes: number): true {
	run.done(outcome, bytes)
	return true
}
