/** What is in a directory, a page of it at a time, and how much is below each. */
import type { ListedRow } from '../../core/catalogue/entries.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { list } from '../../core/filesystem/list.ts'
import type { FileId, Name, Path } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { sizeBelow, sizesOf } from '../../core/stats/tree-sizes.ts'
import type { DirectoryShown } from '../web/shown.ts'

const ENTRIES_MAX = 200

const KINDS: Record<number, string> = {
	[KIND.regular]: 'file',
	[KIND.directory]: 'directory',
	[KIND.symlink]: 'symlink',
	[KIND.fifo]: 'fifo',
	[KIND.socket]: 'socket',
	[KIND.character]: 'device',
	[KIND.block]: 'device',
}

export function kindText(kind: number): string {
	return KINDS[kind] ?? `kind ${kind}`
}

export function* readDirectory(fs: Filesystem, id: FileId, { path, after }: { path: Path; after: Name }): Op<DirectoryShown> {
	const rows = yield* list(fs, id, after, ENTRIES_MAX + 1)
	const shown = rows.slice(0, ENTRIES_MAX)
	const sizes = yield* sizesOf(fs.catalogue, shown.filter(isDirectory).map((row) => row.id))
	const { files, bytes } = yield* sizeBelow(fs.catalogue, id)
	return {
		path,
		files,
		bytes,
		entries: shown.map((row) => ({ name: row.name, kind: kindText(row.kind), modified: row.mtime, ...(isDirectory(row) ? sizes.get(row.id) : { bytes: row.size }) })),
		next: rows.length > ENTRIES_MAX ? shown[shown.length - 1].name : undefined,
	}
}

function isDirectory({ kind }: ListedRow): boolean {
	return kind === KIND.directory
}
