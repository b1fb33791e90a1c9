/**
 * From a path to a file, for doors that have no kernel to do it. The tree's own symlinks are followed inside the tree and
 * never out of it: an absolute target means a path of some machine, and `..` above the root leads nowhere (EXDEV).
 */
import type { Reader } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import { descend, locateIn, type LocatedRow, NAMES_MAX } from '../catalogue/paths.ts'
import { fail } from '../errors.ts'
import { type FileId, type Name, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { isFollowed } from './behind.ts'
import { joinPath } from './directories.ts'
import type { Filesystem } from './filesystem.ts'
import { withBacking } from './lookup.ts'
import { checkName, checkPlace, type Place } from './names.ts'

/** As many as Linux follows. */
const LINKS_MAX = 40
/** Of a path that a door hands in. */
const PATH_BYTES_MAX = 16_384
const SLASH = 0x2f
const SLASH_BYTES = Buffer.of(SLASH)
const DOT = 0x2e

export interface Located {
	/** Where it really is, every symlink followed. */
	path: Path
	/** The root has none. */
	place: Place | undefined
	/** Undefined when only the last name is missing. */
	row: LocatedRow | undefined
}

/** The names of a path; a slash too many is no name. EINVAL for `.`, `..` and NUL: what they would mean is the door's caller's to say. */
export function namesOfPath(path: Path): Name[] {
	if (path.length > PATH_BYTES_MAX) fail('ENAMETOOLONG')
	if (path.includes(0)) fail('EINVAL', 'a path has no NUL in it')
	const names = split(path)
	if (names.some(isDots)) fail('EINVAL', "'.' and '..' are no names")
	for (const name of names) checkName(name)
	if (names[0]) checkPlace({ parent: ROOT_ID, name: names[0] })
	return names
}

/**
 * Where a path leads. ENOENT and ENOTDIR of what is above the last name, ELOOP, EXDEV; that the last name is missing is no
 * error. Without `follow` a symlink of the last name is itself what is found.
 */
export function* resolve(fs: Filesystem, path: Path, { follow = true, reader = fs.catalogue }: Resolving = {}): Op<Located> {
	const names = namesOfPath(path)
	return (reader === fs.catalogue && (yield* asRemembered(fs, names))) || (yield* walk(fs, reader, names, follow))
}

/** By the directory, where it is known for certain which that is: a name there takes one question, whatever is above it. */
function* asRemembered(fs: Filesystem, names: readonly Name[]): Op<Located | undefined> {
	if (names.length < 2 || !fs.capabilities.synchronous || !isFollowed(fs)) return undefined
	const above = joined(names.slice(0, -1))
	const parent = fs.directories.at(above)
	if (parent === undefined) return undefined
	const name = names[names.length - 1]
	const row = yield* wait(locateIn(fs.catalogue, parent, name))
	// What leads on, or may be remembered itself, is for the longer way.
	if (row && row.kind !== KIND.regular) return undefined
	return { path: joinPath(above, name), place: { parent, name }, row: row && ((yield* withBacking(fs, row)) as LocatedRow) }
}

interface Resolving {
	follow?: boolean
	/** A transaction, for who decides in it. */
	reader?: Reader
}

/** The same of what must be there. */
export function* locate(fs: Filesystem, path: Path): Op<Located & { row: LocatedRow }> {
	const { row, ...rest } = yield* resolve(fs, path)
	return { ...rest, row: row ?? fail('ENOENT') }
}

interface Level {
	id: FileId
	name: Name
}

function* walk(fs: Filesystem, reader: Reader, names: Name[], follow: boolean): Op<Located> {
	const asked = fs.directories.generation()
	let todo = names
	let links = 0
	let levels: Level[] = []
	for (;;) {
		while (todo.length > 0 && isDots(todo[0])) levels = withDots(levels, todo.shift() as Name)
		const dots = todo.findIndex(isDots)
		const run = todo.slice(0, Math.min(NAMES_MAX, dots === -1 ? todo.length : dots))
		const { ids, last } = yield* descend(reader, levels.at(-1)?.id ?? ROOT_ID, run)
		levels = [...levels, ...ids.map((id, index) => ({ id, name: run[index] }))]
		todo = todo.slice(ids.length)
		if (!last) return fail('ENOENT')
		if (last.kind === KIND.symlink && (follow || todo.length > 0)) {
			if (++links > LINKS_MAX) fail('ELOOP')
			todo = [...(yield* target(reader, last.id)), ...todo]
			levels = levels.slice(0, -1)
		} else if (todo.length === 0) return yield* found(fs, asked, levels, last)
		else if (last.kind !== KIND.directory) fail('ENOTDIR')
		else if (ids.length < run.length) return missing(fs, asked, levels, todo)
	}
}

function* target(reader: Reader, id: FileId): Op<Name[]> {
	const bytes = Buffer.from((yield* wait(files.target(reader, id)))?.target ?? fail('ENOENT'))
	if (bytes[0] === SLASH) fail('EXDEV', 'a symlink leads out of the tree')
	return split(bytes)
}

function withDots(levels: Level[], name: Name): Level[] {
	if (name.length === 1) return levels
	return levels.length > 0 ? levels.slice(0, -1) : fail('EXDEV', 'a symlink leads out of the tree')
}

function* found(fs: Filesystem, asked: number, levels: Level[], last: LocatedRow): Op<Located> {
	const row = (yield* withBacking(fs, last)) as LocatedRow
	if (levels.length === 0) return { path: Buffer.alloc(0), place: undefined, row }
	const directory = learn(fs, asked, levels.slice(0, -1))
	const { name } = levels[levels.length - 1]
	return { path: joinPath(directory.path, name), place: { parent: directory.id, name }, row }
}

function missing(fs: Filesystem, asked: number, levels: Level[], todo: Name[]): Located {
	if (todo.length > 1) fail('ENOENT')
	const directory = learn(fs, asked, levels)
	return { path: joinPath(directory.path, todo[0]), place: { parent: directory.id, name: todo[0] }, row: undefined }
}

/** The directory that the names lead to. Its place is known now: that spares a question when a path is put together. */
function learn(fs: Filesystem, asked: number, levels: readonly Level[]): { id: FileId; path: Path } {
	let id: FileId = ROOT_ID
	let path: Path = Buffer.alloc(0)
	for (const level of levels) {
		fs.directories.learn(asked, level.id, id, level.name)
		id = level.id
		path = joinPath(path, level.name)
	}
	return { id, path }
}

/** In one step: name by name a long path would be copied as often as it has names. */
export function joined(names: readonly Name[]): Path {
	return Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [SLASH_BYTES, name])))
}

function split(path: Buffer): Name[] {
	const names: Name[] = []
	for (let from = 0; from < path.length; ) {
		const slash = path.indexOf(SLASH, from)
		const end = slash === -1 ? path.length : slash
		if (end > from) names.push(path.subarray(from, end))
		from = end + 1
	}
	return names
}

function isDots(name: Name): boolean {
	return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))
}
