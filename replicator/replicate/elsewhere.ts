/** A copy this node cannot take goes to another that can, where the class allows it. */
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { classById, nodesForCopies } from '../../core/placement/placement.ts'
import { isStillOurs } from '../replicator.ts'
import { look, type Want } from './look.ts'
import type { Round } from './round.ts'

/** True when another node wants it now. An older copy that stands here is one too many then. */
export async function wantElsewhere({ rep }: Round, want: Want): Promise<boolean> {
	const { fs, node } = rep
	return await transact(fs, function* (tx) {
		const now = (yield* look(tx, node.id, [want.file.id], fs.capabilities.forUpdate)).wants.get(want.file.id)
		if (!now || !(yield* isStillOurs(rep, tx))) return false
		const holders = now.copies.filter((copy) => copy.state !== REPLICA.surplus).map((copy) => copy.node_id)
		const taken = new Set(now.copies.map((copy) => copy.node_id))
		const [other] = nodesForCopies(fs, classById(fs, now.file.class_id), holders, now.file.size).filter(
			({ id }) => id !== node.id && !taken.has(id),
		)
		if (!other) return false
		if (now.own.version === 0) replicas.remove(tx, now.file.id, node.id)
		else replicas.setState(tx, now.file.id, node.id, REPLICA.surplus)
		replicas.want(tx, now.file.id, other.id)
		return true
	})
}
