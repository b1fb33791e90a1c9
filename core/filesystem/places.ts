/**
 * Where directories are is remembered, and another client may have moved one a moment ago: the journal, which is followed now and
 * then, has not told yet. What a transaction decides goes to the nodes by path, so it looks there first.
 */
import type { Transaction } from '../catalogue/driver.ts'
import * as changes from '../catalogue/changes.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** At the start of a transaction: forgets what is remembered where that may be wrong. */
export function* lookForMoves(fs: Pick<Filesystem, 'catalogue' | 'capabilities' | 'client' | 'directories' | 'isBehind' | 'journal' | 'nodes' | 'shared'>, tx: Transaction): Op<void> {
	const { synchronous } = fs.capabilities
	if (synchronous ? !fs.isBehind && !fs.catalogue.isChangedElsewhere() : !fs.shared) return
	const low = Math.max(fs.journal.position(), synchronous ? fs.directories.lookedTo : 0)
	const [[{ seq, moved }]] = (yield* wait(tx.read(changes.movesQuery(low, fs.client)))) as [changes.MovesRow[]]
	if (moved) forgetPlaces(fs)
	if (seq !== null) fs.directories.lookedTo = Number(seq)
}

export function forgetPlaces(fs: Pick<Filesystem, 'directories' | 'nodes'>): void {
	fs.directories.forget()
	for (const node of fs.nodes.values()) node.operations.forgetDirectories()
}
