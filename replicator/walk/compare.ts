/** What the catalogue knows of a name beside what stands there. */
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { S_IFMT } from '../../core/nodes/stat.ts'

const KIND_SHIFT = 12

/** The DT_ value of what stat says. */
export function kindOfStat({ mode }: Stat): number {
	return (mode & S_IFMT) >> KIND_SHIFT
}

export function isSameTime(stat: Stat, row: WalkedRow): boolean {
	return stat.size === row.size && stat.mtime === row.mtime && stat.mtimeNs === row.mtime_ns
}

export function isGood({ replica_state, replica_version, version }: WalkedRow): boolean {
	return replica_state === REPLICA.good && replica_version === version
}

export type Verdict =
	/** As it was left; also a copy that is to go. */
	| 'known'
	/** By its size and time, this node's copy: the hash will say. */
	| 'alike'
	/** An old version that the catalogue knows to be one. */
	| 'outdated'
	/** Has to be looked at more closely. */
	| 'doubtful'

/** Of a regular file that is one on the node too. */
export function compare(row: WalkedRow, stat: Stat): Verdict {
	const isSame = isSameTime(stat, row)
	if (isSame && (isGood(row) || row.replica_state === REPLICA.surplus)) return 'known'
	if (isOutdated(row) && !isSame) return 'outdated'
	return isSame && row.hash_version === row.version && !isSuspect(row) ? 'alike' : 'doubtful'
}

/** Its disk may have refused some of it: what memory has says nothing. */
export function isSuspect({ replica_state }: WalkedRow): boolean {
	return replica_state === REPLICA.suspect
}

export function isOutdated({ replica_version, version, kind }: WalkedRow): boolean {
	return kind === KIND.regular && replica_version !== null && replica_version > 0 && replica_version < version
}
