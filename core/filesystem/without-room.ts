/** Files that have fewer copies than their class asks for, because a node that could take one has no room: a pass over the tree comes back to them. */
import type { ClassRow } from '../catalogue/classes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as settings from '../catalogue/settings.ts'
import type { NodeId } from '../ids.ts'
import { mayTakeLater } from '../placement/placement.ts'
import { WITHOUT_ROOM } from '../stats/owed.ts'
import type { Filesystem } from './filesystem.ts'

/** Of a file that is, or will be, on these nodes. */
export function noteIfWithoutRoom(fs: Filesystem, tx: Transaction, rule: ClassRow, holders: readonly NodeId[]): void {
	if (mayTakeLater(fs, rule, holders)) noteWithoutRoom(fs, tx)
}

export function noteWithoutRoom({ capabilities }: Filesystem, tx: Transaction): void {
	settings.set(tx, WITHOUT_ROOM, '1', capabilities)
}
