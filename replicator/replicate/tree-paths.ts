/**
 * Where files are in the tree at this moment. Read afresh, a level of directories at a time: what the process remembers of
 * directories may be behind, and a copy brought to an old path would be nobody's.
 */
import type { Reader } from '../../core/catalogue/driver.ts'
import { FILES_MAX, type NameOf, namesQuery } from '../../core/catalogue/wanted.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { type FileId, type Path, ROOT_ID } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'

export interface Directory {
	id: FileId
	path: Path
	/** Undefined of the root. */
	above: Directory | undefined
}

const ROOT: Directory = { id: ROOT_ID, path: Buffer.alloc(0), above: undefined }

/** Each of these directories, and what is above it. One that is gone, or below one that is gone, is not among them. */
export function* directoriesOf(reader: Reader, ids: Iterable<FileId>, lock = ''): Op<Map<FileId, Directory>> {
	const rows = new Map<FileId, NameOf>()
	let level = [...new Set(ids)].filter((id) => id !== ROOT_ID)
	while (level.length > 0) {
		const found = yield* namesOf(reader, level, lock)
		for (const row of found) rows.set(row.file_id, row)
		level = [...new Set(found.map((row) => row.parent_id))].filter((id) => id !== ROOT_ID && !rows.has(id))
	}
	const directories = new Map([[ROOT_ID, ROOT]])
	for (const id of rows.keys()) place(id, rows, directories)
	return directories
}

function place(id: FileId, rows: ReadonlyMap<FileId, NameOf>, directories: Map<FileId, Directory>): Directory | undefined {
	const known = directories.get(id)
	const row = rows.get(id)
	if (known || !row) return known
	const above = place(row.parent_id, rows, directories)
	if (!above) return undefined
	const directory = { id, path: joinPath(above.path, Buffer.from(row.name)), above }
	directories.set(id, directory)
	return directory
}

function* namesOf(reader: Reader, ids: readonly FileId[], lock: string): Op<NameOf[]> {
	const all: NameOf[] = []
	for (let from = 0; from < ids.length; from += FILES_MAX) {
		const [rows] = (yield* wait(reader.read(namesQuery(ids.slice(from, from + FILES_MAX), lock)))) as [NameOf[]]
		all.push(...rows)
	}
	return all
}

export interface Place {
	directory: Directory
	path: Path
}

/** Undefined of a name whose directory is gone. */
export function placeOf(directories: ReadonlyMap<FileId, Directory>, { parent_id, name }: NameOf): Place | undefined {
	const directory = directories.get(parent_id)
	return directory && { directory, path: joinPath(directory.path, Buffer.from(name)) }
}
