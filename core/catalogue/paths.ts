/** Names below each other, from a directory down: a path in one question. */
import type { FileId, Name } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import type { Reader } from './driver.ts'
import { FILE_COLUMNS, type FileRow } from './files.ts'

/** What a door that has no kernel behind it wants to know of a file before it opens it. */
export type LocatedRow = FileRow & {
	/** SHA-256 of version `hash_version`. */
	hash: Uint8Array | null
	hash_version: number
	/** Somebody has it open for writing: its content may change without a new version. */
	written: number
	/** Where a door has a tag of its own for this content, not of the catalogue. */
	tag?: string
}

/** Names asked for at once: a statement is prepared for each number of them. */
export const NAMES_MAX = 16

const LOCATED_COLUMNS = `${FILE_COLUMNS}, f.hash, f.hash_version, EXISTS (SELECT 1 FROM writer w WHERE w.file_id = f.id) AS written`
const FIND = `SELECT ${LOCATED_COLUMNS} FROM file f WHERE f.id = ?`

export interface Descent {
	/** Of the names that are there, from the first on. */
	ids: FileId[]
	/** Of the last of them; of the directory itself when there is none. Undefined when that is gone. */
	last: LocatedRow | undefined
}

type DescentRow = LocatedRow & Record<string, FileId | null>

/** As far down as the names go. */
export function* descend(reader: Reader, directory: FileId, names: readonly Name[]): Op<Descent> {
	if (names.length === 0) return { ids: [], last: yield* locate(reader, directory) }
	const row = yield* wait(reader.get<DescentRow>(statement(names.length), [...names.slice(1), directory, names[0]]))
	const ids: FileId[] = []
	for (let level = 1; row && level <= names.length; level++) {
		const id = row[`level${level}`]
		if (id === null) break
		ids.push(id)
	}
	if (row && ids.length === names.length && row.id !== null) return { ids, last: row }
	return { ids, last: yield* locate(reader, ids.at(-1) ?? directory) }
}

export function* locate(reader: Reader, id: FileId): Op<LocatedRow | undefined> {
	return yield* wait(reader.get<LocatedRow>(FIND, [id]))
}

const FIND_IN = `SELECT ${LOCATED_COLUMNS} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name = ?`

/** What a name in a directory leads to. */
export function locateIn(reader: Reader, directory: FileId, name: Name): Maybe<LocatedRow | undefined> {
	return reader.get<LocatedRow>(FIND_IN, [directory, name])
}

const LIST = `SELECT e.name, ${LOCATED_COLUMNS} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name > ? ORDER BY e.name LIMIT ?`

/** As `entries.list`, with what a client may compare. */
export function list(reader: Reader, parent: FileId, after: Uint8Array, limit: number): Maybe<Array<LocatedRow & { name: Uint8Array }>> {
	return reader.all(LIST, [parent, after, limit])
}

const statements: string[] = []

function statement(names: number): string {
	statements[names] ??= write(names)
	return statements[names]
}

function write(names: number): string {
	const levels = Array.from({ length: names }, (_, index) => index + 1)
	const below = levels.slice(1).map((level) => `LEFT JOIN entry e${level} ON e${level}.parent_id = e${level - 1}.file_id AND e${level}.name = ?`)
	return `SELECT ${levels.map((level) => `e${level}.file_id AS level${level}`).join(', ')}, ${LOCATED_COLUMNS}
		FROM entry e1 ${below.join(' ')} LEFT JOIN file f ON f.id = e${names}.file_id WHERE e1.parent_id = ? AND e1.name = ?`
}
