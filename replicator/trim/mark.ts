/** What trimming learns of copies on other nodes on its way. */
import * as hashes from '../../core/catalogue/hashes.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Maybe } from '../../core/op.ts'
import { type Facts, factsOf, isBlocked, isSame } from '../proof/facts.ts'
import type { Seen } from '../proof/others.ts'
import { isStillOurs, type Replicator } from '../replicator.ts'

/** Those that were read need not be read again so soon. */
export async function prove(rep: Replicator, { id, version, hash }: Facts, seen: readonly Seen[]): Promise<void> {
	const read = seen.filter(({ wasRead }) => wasRead && hash)
	if (read.length === 0) return
	await transact(rep.fs, function* (tx) {
		if (!(yield* isStillOurs(rep, tx))) return
		for (const { node } of read) hashes.setProved(tx, { file: id, node: node.id, version }, rep.fs.capabilities)
	})
}

/** A copy whose bytes are not what they were is not read any more, until it was verified. */
export function doubt(rep: Replicator, facts: Facts, holder: NodeId): Maybe<boolean> {
	const { fs } = rep
	return transact(fs, function* (tx) {
		const now = yield* factsOf(fs, tx, facts.id, fs.capabilities.forUpdate)
		if (!(yield* isStillOurs(rep, tx)) || !now || !isSame(facts, now) || (yield* isBlocked(fs, tx, holder, now.paths))) return false
		const copy = now.copies.find(({ node_id }) => node_id === holder)
		if (copy?.state !== REPLICA.good || copy.version !== now.version) return false
		proofs.demote(tx, { file: facts.id, node: holder }, REPLICA.suspect)
		return true
	})
}
