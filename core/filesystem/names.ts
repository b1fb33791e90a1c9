/** What every operation on a name checks first, and the rows it starts from. */
import * as entries from '../catalogue/entries.ts'
import type { Transaction } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as files from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import { fail } from '../errors.ts'
import { type FileId, type Name, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

export const NAME_BYTES_MAX = 255

/** Before anything else: the kernel lets FUSE names of up to 1024 bytes through. */
export function checkName(name: Name): void {
	if (name.length > NAME_BYTES_MAX) fail('ENAMETOOLONG')
}

export interface Place {
	parent: FileId
	name: Name
}

const OWN = Buffer.from('.cairn')

/** What a name is to be given to or taken from. On a node `.cairn` is where what is no part of the tree is kept. */
export function checkPlace({ parent, name }: Place): void {
	checkName(name)
	if (parent === ROOT_ID && name.equals(OWN)) fail('EACCES', "'.cairn' is not part of the tree")
}

export interface Situation {
	directory: FileRow
	existing: FileRow | undefined
	/** Intents stand, on whatever. */
	standing: boolean
}

/** The directory, locked, and what the name leads to. */
export function* readPlace(fs: Filesystem, tx: Transaction, { parent, name }: Place): Op<Situation> {
	const { forUpdate } = fs.capabilities
	const [[directory], [existing], standing] = (yield* wait(
		tx.read(files.findQuery(parent, forUpdate), entries.lookupQuery(parent, name, forUpdate), intents.anyQuery()),
	)) as [FileRow[], FileRow[], unknown[]]
	return { directory: checkDirectory(directory), existing, standing: standing.length > 0 }
}

export function checkDirectory(row: FileRow | undefined): FileRow {
	if (!row) return fail('ENOENT')
	if (row.kind !== KIND.directory) return fail('ENOTDIR')
	return row
}
