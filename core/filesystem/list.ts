/** Listing a directory. */
import type { Query } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { ListedRow, NamedRow } from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import type { FileId, Name } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** The entries after a name, by name. The cursor is a name, so entries that come and go meanwhile neither hide nor double the others. */
export function* list(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<ListedRow[]> {
	const rows = yield* wait(entries.list(fs.catalogue, parent, after, limit))
	for (const row of rows) learn(fs, parent, row)
	return rows
}

/** The same with the attributes of directories only: who walks a tree wants those, and often no others. */
export function* listNames(fs: Filesystem, parent: FileId, after: Uint8Array, limit: number): Op<Array<NamedRow | ListedRow>> {
	const names = entries.listNamesQuery(parent, after, limit)
	const directories = entries.listDirectoriesQuery(parent, after, limit)
	// Across a socket both are asked at once; here the second is not asked where there are none.
	if (!fs.capabilities.synchronous) return merge(fs, parent, ...((yield* wait(fs.catalogue.read(names, directories))) as [NamedRow[], ListedRow[]]))
	const rows = yield* ask<NamedRow>(fs, names)
	return rows.some(isDirectory) ? merge(fs, parent, rows, yield* ask<ListedRow>(fs, directories)) : rows
}

function ask<T>(fs: Filesystem, [sql, params]: Query): Op<T[]> {
	return wait(fs.catalogue.all<T>(sql, params))
}

/** A directory that was moved between the two questions is shown without attributes. */
function merge(fs: Filesystem, parent: FileId, rows: Array<NamedRow | ListedRow>, directories: ListedRow[]): Array<NamedRow | ListedRow> {
	const byId = new Map(directories.map((row) => [row.id, row]))
	return rows.map((row) => {
		const whole = isDirectory(row) ? byId.get(row.id) : undefined
		if (!whole || Buffer.compare(whole.name, row.name) !== 0) return row
		learn(fs, parent, whole)
		return whole
	})
}

function learn(fs: Filesystem, parent: FileId, row: NamedRow): void {
	if (isDirectory(row)) fs.directories.learn(row.id, parent, row.name as Name)
}

function isDirectory({ kind }: NamedRow): boolean {
	return kind === KIND.directory
}
