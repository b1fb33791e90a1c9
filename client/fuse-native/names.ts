/** Callbacks about names and directories. */
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { create, makeDirectory, makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { link, readlink } from '../../core/filesystem/links.ts'
import { list } from '../../core/filesystem/list.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type Op, wait } from '../../core/op.ts'
import { answer } from './answer.ts'
import { type Callbacks, kindOf, type ListedStat, modeOf } from './library.ts'
import { toBytes } from './paths.ts'
import { owner, type Portable } from './portable.ts'

const LIST_ROWS = 512

type NameCallbacks = Pick<
	Callbacks,
	'readdir' | 'fsyncdir' | 'mkdir' | 'mknod' | 'rmdir' | 'unlink' | 'rename' | 'link' | 'symlink' | 'readlink'
>

export function nameCallbacks(portable: Portable): NameCallbacks {
	const { fs } = portable
	return {
		readdir: (path, done) => answer(fs, readdir(portable, path), (result, listing) => done(result, listing?.names, listing?.stats)),
		fsyncdir: (_path, _dataOnly, _fd, done) => answer(fs, wait(fs.catalogue.sync()), done),
		mkdir: (path, mode, done) => answer(fs, mkdir(portable, path, mode), done),
		mknod: (path, mode, device, done) => answer(fs, mknod(portable, path, mode, device), done),
		rmdir: (path, done) => answer(fs, rmdir(portable, path), done),
		unlink: (path, done) => answer(fs, removeName(portable, path), done),
		rename: (from, to, done) => answer(fs, move(portable, from, to), done),
		link: (from, to, done) => answer(fs, addName(portable, from, to), done),
		symlink: (target, path, done) => answer(fs, symlink(portable, target, path), done),
		readlink: (path, done) => answer(fs, readTarget(portable, path), done),
	}
}

interface Listing {
	names: string[]
	stats: ListedStat[]
}

/** The package wants all names at once. */
function* readdir({ fs, paths }: Portable, path: string): Op<Listing> {
	const id = yield* paths.id(path)
	const directory = { mode: modeOf({ kind: KIND.directory, mode: 0 }), ino: id }
	const listing: Listing = { names: ['.', '..'], stats: [directory, directory] }
	let after: Uint8Array = Buffer.alloc(0)
	for (;;) {
		const rows = yield* list(fs, id, after, LIST_ROWS)
		for (const row of rows) {
			listing.names.push(Buffer.from(row.name).toString())
			listing.stats.push({ mode: modeOf(row), ino: row.id })
		}
		if (rows.length < LIST_ROWS) return listing
		after = rows[rows.length - 1].name
	}
}

function* mkdir({ fs, paths }: Portable, path: string, mode: number): Op<void> {
	yield* makeDirectory(fs, yield* paths.place(path), { mode: mode & 0o7777, ...owner() })
}

function* mknod({ fs, paths }: Portable, path: string, mode: number, device: number): Op<void> {
	const kind = kindOf(mode)
	const place = yield* paths.place(path)
	const file = { mode: mode & 0o7777, ...owner() }
	if (kind !== KIND.regular && kind !== 0) {
		yield* makeSpecial(fs, place, file, kind, device)
		return
	}
	const made = yield* create(fs, place, file, true)
	if ('open' in made) yield* release(fs, made.open, true)
}

function* rmdir({ fs, paths }: Portable, path: string): Op<void> {
	yield* removeDirectory(fs, yield* paths.place(path))
	paths.forget(path)
}

/** What libfuse hid has no name to remove. */
function* removeName({ fs, paths, hidden }: Portable, path: string): Op<void> {
	if (hidden.find(path) === undefined) yield* unlink(fs, yield* paths.place(path))
}

function* move(portable: Portable, from: string, to: string): Op<void> {
	const { fs, paths, hidden } = portable
	if (hidden.isHiding(from, to) && (yield* hide(portable, from, to))) return
	yield* rename(fs, yield* paths.place(from), yield* paths.place(to), 'replace')
	paths.forget(from)
	paths.forget(to)
}

/** Somebody may give a file such a name himself: only an open one is hidden. */
function* hide({ fs, paths, hidden, handles }: Portable, from: string, to: string): Op<boolean> {
	const id = yield* paths.id(from)
	if (!handles.files().some(({ file }) => file.id === id)) return false
	yield* unlink(fs, yield* paths.place(from))
	hidden.add(to, id)
	return true
}

function* addName({ fs, paths }: Portable, from: string, to: string): Op<void> {
	yield* link(fs, yield* paths.id(from), yield* paths.place(to))
}

function* symlink({ fs, paths }: Portable, target: string, path: string): Op<void> {
	yield* makeSymlink(fs, yield* paths.place(path), toBytes(target), owner())
}

/** A target that is no UTF-8 would be another one after the package has written it. */
function* readTarget({ fs, paths }: Portable, path: string): Op<string> {
	const target = Buffer.from(yield* readlink(fs, yield* paths.id(path)))
	const text = target.toString()
	return target.equals(Buffer.from(text)) ? text : fail('EILSEQ')
}
