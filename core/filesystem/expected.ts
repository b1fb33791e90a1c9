/** What whoever changes a name says of what it leads to: asked in the transaction that changes it, so that nobody comes between. */
import type { Transaction } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as paths from '../catalogue/paths.ts'
import type { LocatedRow } from '../catalogue/paths.ts'
import { fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Op } from '../op.ts'
import type { Place } from './names.ts'

/** Throws when it is not as it should be. May write what goes with the change. SQL only, and perhaps twice. What a client may compare `located` looks up. */
export type Check = (tx: Transaction, current: FileRow | undefined) => Op<void>

/** Of something new. */
export interface Made {
	check?: Check
	/** Its class is the one of this path: it is on its way there. */
	classPath?: Path
}

export interface Expected {
	/** ESTALE where the name leads to another file by now. */
	only?: FileId
	check?: Check
	/** Not kept in the trash, whatever its class says. */
	forGood?: boolean
	/** It, or a directory above it, was there before it was taken out of the way: the trash keeps it under the path it had then. */
	formerly?: { id: FileId; place: Place }
}

export function* checkExpected(tx: Transaction, existing: FileRow | undefined, { only, check }: Expected): Op<void> {
	if (only !== undefined && existing?.id !== only) fail('ESTALE')
	if (check) yield* check(tx, existing)
}

/** With what a client may compare. */
export function* located(tx: Transaction, existing: FileRow | undefined): Op<LocatedRow | undefined> {
	return existing && (yield* paths.locate(tx, existing.id))
}
