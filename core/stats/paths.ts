/** Between paths and files, without what a running filesystem remembers of directories. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import { descend, NAMES_MAX } from '../catalogue/paths.ts'
import { componentsOf } from '../filesystem/trash-paths.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

const SLASH = Buffer.from('/')
const EMPTY = Buffer.alloc(0)

/** The first path from the root of the tree, without the first slash. Undefined of what has no name any more. */
export function* pathOf(reader: Reader, id: FileId): Op<Path | undefined> {
	return (yield* pathsOf(reader, id, 1))[0]
}

export function* pathsOf(reader: Reader, id: FileId, limit: number): Op<Path[]> {
	return yield* pathsFrom(reader, id, yield* wait(entries.namesOf(reader, id, limit)))
}

/** The same from what its names are. */
export function* pathsFrom(reader: Reader, id: FileId, names: readonly entries.EntryRow[]): Op<Path[]> {
	if (id === ROOT_ID) return [EMPTY]
	const above = names.filter(({ parent_id: parent }) => parent !== ROOT_ID).map(({ parent_id: parent }) => parent)
	const chains = above.length > 0 ? ((yield* wait(reader.read(...above.map(entries.chainQuery)))) as entries.ChainRow[][]) : []
	return names.flatMap(({ parent_id: parent, name }) => {
		const directory = parent === ROOT_ID ? EMPTY : fromChain(chains[above.indexOf(parent)])
		return directory ? [Buffer.concat([directory, Buffer.from(name)])] : []
	})
}

/** With a slash at its end, unless it is the root. */
export function* directoryPath(reader: Reader, id: FileId): Op<Path | undefined> {
	if (id === ROOT_ID) return EMPTY
	return fromChain(yield* wait(entries.chain(reader, id)))
}

function fromChain(above: readonly entries.ChainRow[]): Path | undefined {
	if (above.length === 0 || above[above.length - 1].parent_id !== ROOT_ID) return undefined
	return Buffer.concat(above.toReversed().flatMap((row) => [Buffer.from(row.name), SLASH]))
}

/** The file a path leads to; undefined where there is none. */
export function* fileAt(reader: Reader, path: Path): Op<FileId | undefined> {
	const names = componentsOf(path)
	let id: FileId = ROOT_ID
	for (let at = 0; at < names.length; at += NAMES_MAX) {
		const some = names.slice(at, at + NAMES_MAX)
		const { ids } = yield* descend(reader, id, some)
		if (ids.length < some.length) return undefined
		id = ids[ids.length - 1]
	}
	return id
}
