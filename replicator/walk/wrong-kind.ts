/** A directory where the tree has a file, a symlink where it has a directory, ...: out of the way with it. */
import { KIND } from '../../core/catalogue/files.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { asidePath } from '../proof/aside.ts'
import { setAside, tellConflict } from './conflict.ts'
import { conclude, type Finding } from './finding.ts'
import { isGoodElsewhere } from './others.ts'
import { relink } from './symlink.ts'
import type { Walking } from './walking.ts'

export async function settleWrongKind(walking: Walking, finding: Finding & { stat?: Stat }): Promise<boolean> {
	const { stat, row, path } = finding
	if (!stat) return false
	const { node, options } = walking
	const aside = asidePath(path)
	if (options.dryRun) return tellConflict(walking, path, 'is not what the tree has there and would be set aside')
	const isWritten = await conclude(walking, finding, function* (tx, { copies, token }) {
		const moved: Intent = setAside(walking, tx, { finding: { ...finding, stat }, aside, reason: 'differs', token })
		if (row.kind === KIND.symlink && row.replica_state === REPLICA.good) return [moved, relink(walking, finding, token)]
		if (row.kind !== KIND.regular || row.replica_state !== REPLICA.good) return [moved]
		// With its copy gone the node wants another; if this was the only one, that stays to be seen.
		if (copies.some((copy) => isGoodElsewhere(copy, row, node))) replicas.setLost(tx, row.id, node.id)
		else replicas.setState(tx, row.id, node.id, REPLICA.suspect)
		return [moved]
	})
	return isWritten && tellConflict(walking, path, `is not what the tree has there; it is kept as ${aside}`)
}
