/**
 * Where directories are: id -> parent and name, as far as they were needed, so that the path of a file is put together
 * without asking the catalogue for every level. Forgotten when a directory is renamed, here or elsewhere. What could make it wrong, and what keeps it right:
 *
 *     an answer that was asked for before something was forgotten    `generation`: it is not kept
 *     another client's move, read in the journal later (follow.ts)    `forget`, as of this process's own
 *     another client's move before that                               `asOf`: a transaction that makes use of paths compares it at its start (places.ts)
 */
import * as entries from '../catalogue/entries.ts'
import type { Reader } from '../catalogue/driver.ts'
import { fail } from '../errors.ts'
import { type FileId, type Name, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

const DIRECTORIES_MAX = 20_000

interface Place {
	parent: FileId
	path: Path
}

/** Where there is one writer at a time it is the first of these, else the second. */
interface AsOf {
	/** The number of a line of the journal: none up to it moved anything since what was followed last. */
	seq: number
	/** How many directories had been moved (catalogue/moves.ts); undefined before that was seen. */
	moves: number | undefined
}

export interface Directories {
	/** The path of a directory. ENOENT when it is gone. */
	path(reader: Reader, id: FileId): Op<Path>
	/** The directory at a path that was put together before. */
	at(path: Path): FileId | undefined
	/** From the directory up to the root, itself included. */
	ancestors(reader: Reader, id: FileId): Op<FileId[]>
	/** As of when what is remembered is right; of later it may be right as well. */
	readonly asOf: AsOf
	/** To be asked before the question whose answer is learned from. */
	generation(): number
	/** Learned on the way: a directory found by name in a directory whose place is known. `asked`: the generation in which that was asked for. */
	learn(asked: number, id: FileId, parent: FileId, name: Name): void
	forget(): void
	forgetOne(id: FileId): void
}

const SLASH = Buffer.from('/')
const ROOT: Place = { parent: ROOT_ID, path: Buffer.alloc(0) }

export function joinPath(directory: Path, name: Name): Path {
	return directory.length === 0 ? name : Buffer.concat([directory, SLASH, name])
}

export function createDirectories(): Directories {
	const places = new Map<FileId, Place>()
	const byPath = new Map<string, FileId>()
	/** One more whenever something is to be forgotten, kept or not: what was asked for before may be an old place, and would be kept for good. */
	let generation = 0

	function keep(id: FileId, place: Place): void {
		if (places.size >= DIRECTORIES_MAX) clear()
		drop(id)
		places.set(id, place)
		byPath.set(keyOf(place.path), id)
	}

	function clear(): void {
		places.clear()
		byPath.clear()
	}

	function forget(): void {
		generation++
		clear()
	}

	function drop(id: FileId): void {
		const known = places.get(id)
		if (!known) return
		places.delete(id)
		byPath.delete(keyOf(known.path))
	}

	/** Its path, and it with what is above it, nearest first and without the root. */
	function* load(reader: Reader, id: FileId): Op<{ path: Path; ids: FileId[] }> {
		const asked = generation
		const rows = yield* wait(entries.chain(reader, id))
		if (rows.length === 0 || rows[rows.length - 1].parent_id !== ROOT_ID) fail('ENOENT')
		const ids = rows.map((row) => row.id)
		let { path } = ROOT
		for (const row of rows.reverse()) {
			path = joinPath(path, Buffer.from(row.name))
			if (generation === asked) keep(row.id, { parent: row.parent_id, path })
		}
		return { path, ids }
	}

	return {
		asOf: { seq: 0, moves: undefined },
		generation: () => generation,
		*path(reader, id) {
			const { path } = id === ROOT_ID ? ROOT : (places.get(id) ?? (yield* load(reader, id)))
			return path
		},
		*ancestors(reader, id) {
			const ids: FileId[] = []
			while (id !== ROOT_ID) {
				const known = places.get(id)
				if (!known) return [...ids, ...(yield* load(reader, id)).ids, ROOT_ID]
				ids.push(id)
				id = known.parent
			}
			return [...ids, ROOT_ID]
		},
		learn(asked, id, parent, name) {
			if (asked !== generation) return
			const above = parent === ROOT_ID ? ROOT : places.get(parent)
			if (!above) return
			const place = { parent, path: joinPath(above.path, name) }
			const known = places.get(id)
			if (known && known.parent === parent && known.path.equals(place.path)) return
			// Somebody else has moved it, and whatever is below it: the journal will say so in a moment.
			if (known) forget()
			keep(id, place)
		},
		at: (path) => (path.length === 0 ? ROOT_ID : byPath.get(keyOf(path))),
		forget,
		forgetOne(id) {
			generation++
			drop(id)
		},
	}
}

function keyOf(path: Path): string {
	return path.toString('latin1')
}
