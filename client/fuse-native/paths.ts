/** libfuse speaks in paths, the filesystem in ids: walking from one to the other, with a short memory for directories. */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { type FileId, type Name, ROOT_ID } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import type { Hidden } from './hidden.ts'

const DIRECTORIES_MAX = 4_096
/** What a decoder puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD'
const MOVES_DIRECTORIES: ReadonlySet<string> = new Set(['rmdir', 'renamedir', 'exchange'])

export interface Paths {
	/** The directory and the name a path ends in. */
	place(path: string): Op<Place>
	id(path: string): Op<FileId>
	row(path: string): Op<FileRow>
	/** A directory here or elsewhere has another path now, or none. */
	forget(path: string): void
	follow(change: ChangeRow): void
}

export function createPaths(fs: Filesystem, hidden: Hidden): Paths {
	const directories = new Map<string, FileId>()
	// A walk that was under way when something moved must not be remembered.
	let era = 0

	function* directory(path: string): Op<FileId> {
		if (path === '') return ROOT_ID
		const known = directories.get(path)
		if (known !== undefined) return known
		const started = era
		const row = yield* child(path)
		if (row.kind !== KIND.directory) fail('ENOTDIR')
		if (started === era) remember(path, row.id)
		return row.id
	}

	function remember(path: string, id: FileId): void {
		if (directories.size >= DIRECTORIES_MAX) directories.clear()
		directories.set(path, id)
	}

	function* place(path: string): Op<Place> {
		const cut = path.lastIndexOf('/')
		return { parent: yield* directory(path.slice(0, cut)), name: toBytes(path.slice(cut + 1)) }
	}

	function* child(path: string): Op<FileRow> {
		const { parent, name } = yield* place(path)
		return (yield* lookup(fs, parent, name)) ?? fail('ENOENT')
	}

	function* id(path: string): Op<FileId> {
		if (path === '/') return ROOT_ID
		return hidden.find(path) ?? directories.get(path) ?? (yield* child(path)).id
	}

	function* row(path: string): Op<FileRow> {
		const known = path === '/' ? ROOT_ID : hidden.find(path)
		return known === undefined ? yield* child(path) : yield* getAttributes(fs, known)
	}

	return {
		place,
		id,
		row,
		forget(path) {
			era++
			for (const known of directories.keys()) if (known === path || known.startsWith(`${path}/`)) directories.delete(known)
		},
		follow({ op }) {
			if (!MOVES_DIRECTORIES.has(op)) return
			era++
			directories.clear()
		},
	}
}

/** The library decodes every path: a name that is no UTF-8 cannot be told from another any more. */
export function toBytes(text: string): Name {
	if (text.includes(REPLACEMENT)) fail('EILSEQ')
	return Buffer.from(text)
}
