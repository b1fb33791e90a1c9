/** What every operation on a name checks first, and the rows it starts from. */
import * as entries from '../catalogue/entries.ts'
import type { Transaction } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as files from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import { fail } from '../errors.ts'
import type { FileId, Name } from '../ids.ts'
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

/** The directory, locked, and what the name leads to. */
export function* readPlace(fs: Filesystem, tx: Transaction, { parent, name }: Place): Op<{ directory: FileRow; existing: FileRow | undefined }> {
	const { forUpdate } = fs.capabilities
	const [[directory], [existing]] = (yield* wait(
		tx.read(files.findQuery(parent, forUpdate), entries.lookupQuery(parent, name, forUpdate)),
	)) as [FileRow[], FileRow[]]
	return { directory: checkDirectory(directory), existing }
}

export function checkDirectory(row: FileRow | undefined): FileRow {
	if (!row) return fail('ENOENT')
	if (row.kind !== KIND.directory) return fail('ENOTDIR')
	return row
}
