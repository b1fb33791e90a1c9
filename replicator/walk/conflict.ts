/** Moving what must not stand at a name out of the way, where the keeper finds it. */
import type { ConflictReason } from '../../core/catalogue/conflicts.ts'
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import type { Path } from '../../core/ids.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { showPath } from '../../core/text.ts'
import type { Finding } from './finding.ts'
import type { Walking } from './walking.ts'

/**
 * As an intent, in the transaction that decides it: from then on nobody opens or makes that name on the node until it is
 * carried out, and whoever comes after a crash finds both the row and the intent, or neither.
 */
export function setAside({ fs, node }: Walking, tx: Transaction, { finding, aside, reason, token }: { finding: Finding & { stat: Stat }; aside: Path; reason: ConflictReason; token: number }): Intent {
	const { path, row, stat } = finding
	conflicts.insert(tx, { nodeId: node.id, path, aside, fileId: row.id, reason, size: stat.size, mtime: stat.mtime }, fs.capabilities)
	return { nodeId: node.id, op: 'rename', path, toPath: aside, fileId: row.id, token }
}

export function tellConflict({ node, run, options }: Walking, path: Path, why: string): true {
	run.note(`node ${node.name}: ${showPath(path)} ${why}${options.dryRun ? ' (nothing is changed)' : '; see cairn conflicts list'}`)
	run.done('conflict', 0)
	return true
}
