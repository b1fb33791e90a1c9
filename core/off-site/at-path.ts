/** What paths lead to, symlinks not followed. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { FileRow } from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

export type Finder = (reader: Reader, path: Path) => Op<FileRow | undefined>

const SLASH = 0x2f
const NAME_BYTES_MAX = 255

/** Remembers the directories on the way: for a moment, and many paths. */
export function createFinder(): Finder {
	const directories = new Map<string, FileId>([['', ROOT_ID]])

	function* directoryAt(reader: Reader, path: Path): Op<FileId | undefined> {
		const key = path.toString('latin1')
		const known = directories.get(key)
		if (known !== undefined) return known
		const row = yield* find(reader, path)
		if (row?.kind !== KIND.directory) return undefined
		directories.set(key, row.id)
		return row.id
	}

	function* find(reader: Reader, path: Path): Op<FileRow | undefined> {
		const at = path.lastIndexOf(SLASH)
		const name = path.subarray(at + 1)
		if (name.length === 0 || name.length > NAME_BYTES_MAX) return undefined
		const parent = yield* directoryAt(reader, path.subarray(0, Math.max(0, at)))
		return parent === undefined ? undefined : yield* wait(entries.lookup(reader, parent, name))
	}

	return find
}
