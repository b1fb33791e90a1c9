/** Symlinks: the catalogue knows their whole content and makes them good by itself. */
import type { Intent } from '../../core/catalogue/intents.ts'
import * as walks from '../../core/catalogue/walks.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { asidePath } from '../proof/aside.ts'
import { setAside, tellConflict } from './conflict.ts'
import { isGood } from './compare.ts'
import { conclude, type Finding } from './finding.ts'
import { readTarget } from './look.ts'
import type { Walking } from './walking.ts'

export function relink({ node }: Walking, { path, row }: Finding, token: number): Intent {
	return { nodeId: node.id, op: 'symlink', path, toPath: Buffer.from(row.target ?? []), fileId: row.id, token }
}

export async function settleSymlink(walking: Walking, finding: Finding & { stat: Stat }): Promise<boolean> {
	const { run, fs, node, options } = walking
	const { path, row } = finding
	const target = await readTarget(walking, path)
	if (target instanceof Error) {
		run.trouble(path, target.message)
		return true
	}
	const aside = asidePath(path)
	const isSame = row.target !== null && target.equals(row.target)
	if (isSame && (isGood(row) || options.dryRun)) return counted(walking, 'known')
	if (options.dryRun) return tellConflict(walking, path, 'leads elsewhere than in the tree and would be set aside')
	const isWritten = await conclude(walking, finding, function* (tx, { token }) {
		walks.setGood(tx, row.id, node.id, row.version, fs.capabilities)
		return isSame ? [] : [setAside(walking, tx, { finding, aside, reason: 'differs', token }), relink(walking, finding, token)]
	})
	if (!isWritten) return false
	return isSame ? counted(walking, 'copy') : tellConflict(walking, path, `leads elsewhere than in the tree; it is kept as ${aside}`)
}

function counted({ run }: Walking, outcome: string): true {
	run.done(outcome, 0)
	return true
}
