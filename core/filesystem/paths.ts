/** Where a file is in the tree: one path for each of its names. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { ChainRow, EntryRow } from '../catalogue/entries.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import type { Filesystem } from './filesystem.ts'

export interface NamedPath {
	parent: FileId
	path: Path
}

/** What a chain of names, nearest first, leads to. */
export function joinChain(chain: readonly ChainRow[]): Path {
	return chain.reduceRight<Path>((above, { name }) => joinPath(above, Buffer.from(name)), Buffer.alloc(0))
}

export function* pathsOf(fs: Filesystem, id: FileId, namesMax: number): Op<NamedPath[]> {
	return yield* pathsOfNames(fs, yield* wait(entries.namesOf(fs.catalogue, id, namesMax)))
}

export function* pathsOfNames(fs: Filesystem, names: readonly EntryRow[], reader: Reader = fs.catalogue): Op<NamedPath[]> {
	const paths: NamedPath[] = []
	for (const { parent_id: parent, name } of names) {
		paths.push({ parent, path: joinPath(yield* fs.directories.path(reader, parent), Buffer.from(name)) })
	}
	return paths
}
