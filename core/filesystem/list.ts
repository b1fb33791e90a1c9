/** Listing a directory. */
import * as entries from '../catalogue/entries.ts'
import type { ListedRow } from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import type { FileId, Name } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** The entries after a name, by name. The cursor is a name, so entries that come and go meanwhile neither hide nor double the others. */
export function* list(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<ListedRow[]> {
	const rows = yield* wait(entries.list(fs.catalogue, parent, after, limit))
	for (const row of rows) if (row.kind === KIND.directory) fs.directories.learn(row.id, parent, row.name as Name)
	return rows
}
