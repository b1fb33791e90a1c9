/** Copies the catalogue has here and the node has not. */
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { pathsOf } from '../../core/filesystem/paths.ts'
import type { Path } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { showPath } from '../../core/text.ts'
import { isGood, isSameTime } from './compare.ts'
import { conclude, type Finding } from './finding.ts'
import { statAll } from './look.ts'
import { isGoodElsewhere } from './others.ts'
import { relink } from './symlink.ts'
import type { Walking } from './walking.ts'

/** Fewer than this are believed gone whatever their share. */
const FEW = 5
/** Of a whole walk: past both, something is wrong with the node or with the catalogue. */
const ABSENT_MAX = 100
const ABSENT_SHARE_MAX = 0.05
/** Of a file's names, looked at. */
const NAMES_MAX = 100

/**
 * Whether that many of a directory's known files can be gone. What looks like the end of a tree is more often a disk that
 * is not mounted, half a restore, or yesterday's catalogue: then nothing is concluded, and the keeper is asked.
 */
export function isBelievable(walking: Walking, path: Path, { known, absent }: { known: number; absent: number }): boolean {
	const { tally, options, fs, run } = walking
	tally.known += known
	tally.absent += absent
	if (absent === 0) return false
	if (options.believeMissing) return true
	if (absent >= FEW && absent > known * fs.config.replicator.missingShareMax) {
		run.trouble(path, `${absent} of ${known} known files are gone; nothing is concluded (--believe-missing: they are)`)
		return false
	}
	if (tally.absent <= ABSENT_MAX || tally.absent <= tally.known * ABSENT_SHARE_MAX) return true
	run.trouble(path, `too many known files are gone, ${tally.absent} of ${tally.known} so far; nothing is concluded (--believe-missing: they are)`)
	return false
}

export async function settleAbsent(walking: Walking, finding: Finding): Promise<boolean> {
	const { node, run, options } = walking
	const { row, path } = finding
	if (!isGood(row)) return counted(walking, 'gone')
	if (row.kind === KIND.regular && (await hasAnotherName(walking, finding))) {
		run.note(`node ${node.name}: ${showPath(path)} is gone, and another name of its file is here: cairn verify makes it again`)
		return counted(walking, 'known')
	}
	if (options.dryRun) {
		run.note(`node ${node.name}: would take ${showPath(path)} for gone`)
		return counted(walking, 'missing')
	}
	let isOnly = false
	const isWritten = await conclude(walking, finding, function* (tx, { copies, token }) {
		isOnly = row.kind === KIND.regular && !copies.some((copy) => isGoodElsewhere(copy, row, node))
		if (row.kind === KIND.symlink) return [relink(walking, finding, token)]
		if (isOnly) replicas.setState(tx, row.id, node.id, REPLICA.suspect)
		else replicas.setLost(tx, row.id, node.id)
		return []
	})
	if (!isWritten) return false
	if (!isOnly) return counted(walking, row.kind === KIND.symlink ? 'repaired' : 'missing')
	run.trouble(path, 'the only copy is gone from the node; the tree keeps its name')
	return true
}

/** All names lead to one copy: where one of them is left nothing is lost, and a node that knows no hard links has no more. */
async function hasAnotherName(walking: Walking, { row, path }: Finding): Promise<boolean> {
	const names = await drive(pathsOf(walking.fs, row.id, NAMES_MAX))
	const seen = await statAll(walking, names.flatMap((name) => (name.path.equals(path) ? [] : [name.path])))
	return seen.some((stat) => stat !== undefined && !(stat instanceof Error) && isSameTime(stat, row))
}

function counted({ run }: Walking, outcome: string): true {
	run.done(outcome, 0)
	return true
}
