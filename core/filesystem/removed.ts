/** What no name leads to any more is still asked for by its number: a directory somebody is in, a special file, an older version that is open. */
import type { FileRow } from '../catalogue/files.ts'
import type { Filesystem } from './filesystem.ts'

const REMOVED_MAX = 1_000

export function rememberRemoved({ removed }: Filesystem, row: FileRow, xattrs = new Map<string, Buffer>()): void {
	if (removed.size >= REMOVED_MAX) removed.delete(removed.keys().next().value as number)
	removed.set(row.id, { row, xattrs })
}
