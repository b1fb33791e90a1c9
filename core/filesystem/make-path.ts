/** Directories on the way to a name: those that are missing are made. */
import { KIND } from '../catalogue/files.ts'
import { codeOf, fail } from '../errors.ts'
import { type FileId, type Name, ROOT_ID } from '../ids.ts'
import type { Op } from '../op.ts'
import { makeDirectory, type NewFile } from './create.ts'
import type { Filesystem } from './filesystem.ts'
import { lookup } from './lookup.ts'
import type { Place } from './names.ts'

/** The last of them. ENOTDIR where one of the names leads to something else. */
export function* makePath(fs: Filesystem, names: readonly Name[], attributes: NewFile): Op<FileId> {
	let parent: FileId = ROOT_ID
	for (const name of names) parent = yield* makeLevel(fs, { parent, name }, attributes)
	return parent
}

function* makeLevel(fs: Filesystem, place: Place, attributes: NewFile): Op<FileId> {
	const row = (yield* lookup(fs, place.parent, place.name)) ?? (yield* make(fs, place, attributes))
	if (row.kind !== KIND.directory) fail('ENOTDIR')
	return row.id
}

function* make(fs: Filesystem, place: Place, attributes: NewFile) {
	try {
		return yield* makeDirectory(fs, place, attributes)
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		// Somebody else was quicker.
		return (yield* lookup(fs, place.parent, place.name)) ?? fail('ENOENT')
	}
}
