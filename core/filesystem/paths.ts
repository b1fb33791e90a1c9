/** Where a file is in the tree: one path for each of its names. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import type { Filesystem } from './filesystem.ts'

export interface NamedPath {
	parent: FileId
	path: Path
}

export function* pathsOf(fs: Filesystem, id: FileId, namesMax: number, reader: Reader = fs.catalogue): Op<NamedPath[]> {
	return yield* pathsOfNames(fs, yield* wait(entries.namesOf(reader, id, namesMax)), reader)
}

export function* pathsOfNames(fs: Filesystem, names: readonly EntryRow[], reader: Reader = fs.catalogue): Op<NamedPath[]> {
	const paths: NamedPath[] = []
	for (const { parent_id: parent, name } of names) {
		paths.push({ parent, path: joinPath(yield* fs.directories.path(reader, parent), Buffer.from(name)) })
	}
	return paths
}
