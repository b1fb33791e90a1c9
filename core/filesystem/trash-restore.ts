/** Putting back what was removed: a rename out of the trash, to where it was or elsewhere. */
import * as changes from '../catalogue/changes.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { now } from '../clock.ts'
import { codeOf, fail } from '../errors.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { makeDirectory } from './create.ts'
import type { Expected } from './expected.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { lookup } from './lookup.ts'
import type { Place } from './names.ts'
import { removeDirectory } from './remove.ts'
import { rename } from './rename.ts'
import type { Kept } from './trash-contents.ts'
import { componentsOf, originalPath } from './trash-paths.ts'

const OWN_LEVELS = 2

/** A file. EEXIST when something has the name: nothing is replaced. Directories above it that are gone are made as they were. */
export function* restore(fs: Filesystem, kept: Kept, to: Path): Op<void> {
	const names = componentsOf(to)
	const name = names.pop() ?? fail('EINVAL')
	// Elsewhere the levels have nothing to do with each other.
	const models = originalPath(kept.path)?.equals(to) ? yield* modelsOf(fs, kept) : []
	let parent: FileId = ROOT_ID
	for (const [depth, directory] of names.entries()) parent = yield* stepInto(fs, { parent, name: directory }, models[depth])
	yield* rename(fs, kept.place, { parent, name }, 'noreplace')
	yield* tidy(fs, kept)
}

/** The directories in the trash above it, outermost first: they have the attributes its own had. */
function* modelsOf(fs: Filesystem, { place }: Kept): Op<FileRow[]> {
	const ids = (yield* fs.directories.ancestors(fs.catalogue, place.parent)).filter((id) => id !== ROOT_ID).reverse()
	const models: FileRow[] = []
	for (const id of ids.slice(OWN_LEVELS)) models.push((yield* wait(files.find(fs.catalogue, id))) ?? fail('ENOENT'))
	return models
}

function* stepInto(fs: Filesystem, place: Place, model: FileRow | undefined): Op<FileId> {
	const there = yield* lookup(fs, place.parent, place.name)
	if (there && there.kind !== KIND.directory) fail('ENOTDIR')
	if (there) return there.id
	const like = model ?? (yield* wait(files.find(fs.catalogue, place.parent))) ?? fail('ENOENT')
	try {
		const { id } = yield* makeDirectory(fs, place, like)
		if (model && model.flags & files.FLAG_HAS_XATTRS) yield* copyXattrs(fs, model, id)
		return id
	} catch (error) {
		// Somebody was quicker.
		if (codeOf(error) !== 'EEXIST') throw error
		return yield* stepInto(fs, place, model)
	}
}

function copyXattrs(fs: Filesystem, { id: from, flags }: FileRow, to: FileId): Op<void> {
	return wait(
		transact(fs, function* (tx) {
			xattrs.copyAll(tx, from, to)
			files.setFlags(tx, to, flags, now())
			changes.insert(tx, fs.client, { op: 'xattr', file: to }, fs.capabilities)
		}),
	)
}

/** Directories in the trash that are empty now, up to its day. */
function* tidy(fs: Filesystem, { place }: Pick<Kept, 'place'>): Op<void> {
	let directory = place.parent
	for (let level = yield* depthOf(fs, directory); level >= OWN_LEVELS; level--) {
		const [name] = yield* wait(entries.namesOf(fs.catalogue, directory, 1))
		if (!name || !(yield* removeIfEmpty(fs, { parent: name.parent_id, name: Buffer.from(name.name) }))) return
		directory = name.parent_id
	}
}

function* depthOf(fs: Filesystem, directory: FileId): Op<number> {
	return (yield* fs.directories.ancestors(fs.catalogue, directory)).length - 1
}

const STAYS = new Set(['ENOTEMPTY', 'ENOENT', 'ESTALE'])

/** False when something is in it, or it is gone, or not what is expected. */
export function* removeIfEmpty(fs: Filesystem, place: Place, expected: Expected = {}): Op<boolean> {
	try {
		yield* removeDirectory(fs, place, expected)
		return true
	} catch (error) {
		if (!STAYS.has(codeOf(error))) throw error
		return false
	}
}
