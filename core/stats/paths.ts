/** Between paths and files, without what a running filesystem remembers of directories. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

const SLASH = Buffer.from('/')
const EMPTY = Buffer.alloc(0)

/** The first path from the root of the tree, without the first slash. Undefined of what has no name any more. */
export function* pathOf(reader: Reader, id: FileId): Op<Path | undefined> {
	return (yield* pathsOf(reader, id, 1))[0]
}

export function* pathsOf(reader: Reader, id: FileId, limit: number): Op<Path[]> {
	if (id === ROOT_ID) return [EMPTY]
	const paths: Path[] = []
	for (const { parent_id: parent, name } of yield* wait(entries.namesOf(reader, id, limit))) {
		const directory = yield* directoryPath(reader, parent)
		if (directory) paths.push(Buffer.concat([directory, Buffer.from(name)]))
	}
	return paths
}

/** With a slash at its end, unless it is the root. */
export function* directoryPath(reader: Reader, id: FileId): Op<Path | undefined> {
	if (id === ROOT_ID) return EMPTY
	const above = yield* wait(entries.chain(reader, id))
	if (above.length === 0 || above[above.length - 1].parent_id !== ROOT_ID) return undefined
	return Buffer.concat(above.reverse().flatMap((row) => [Buffer.from(row.name), SLASH]))
}

/** The file a path leads to; undefined where there is none. */
export function* fileAt(reader: Reader, path: Path): Op<FileId | undefined> {
	let id: FileId = ROOT_ID
	for (let at = 0; at < path.length; ) {
		const slash = path.indexOf(0x2f, at)
		const end = slash < 0 ? path.length : slash
		const row = yield* wait(entries.lookup(reader, id, path.subarray(at, end)))
		if (!row) return undefined
		id = row.id
		at = end + 1
	}
	return id
}
