/** Where files are that a site holds under the paths they had. */
import * as backups from '../catalogue/backups.ts'
import { isHeld } from '../catalogue/backups.ts'
import type { BackupRow } from '../catalogue/backups.ts'
import type { Reader, Transaction } from '../catalogue/driver.ts'
import type { SiteId } from '../catalogue/sites.ts'
import type { NameOf, WantedFile } from '../catalogue/wanted.ts'
import * as wanted from '../catalogue/wanted.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { isInTrash } from '../filesystem/trash-paths.ts'
import type { Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { pathOf } from './lease.ts'

export interface Move {
	row: BackupRow
	to: Path
}

/** By the path the site has it under; none where it needs no move, or is not in the tree any more. */
export function* movesFrom(fs: Filesystem, site: SiteId, paths: readonly Path[]): Op<Map<string, Move>> {
	const moves = new Map<string, Move>()
	if (paths.length === 0) return moves
	const there = ((yield* wait(fs.catalogue.read(...backups.atPathsQueries(paths)))) as Array<Array<Pick<BackupRow, 'file_id' | 'site_id'>>>).flat()
	const ids = [...new Set(there.flatMap((row) => (row.site_id === site ? [row.file_id] : [])))]
	for (let at = 0; at < ids.length; at += wanted.FILES_MAX) {
		const some = ids.slice(at, at + wanted.FILES_MAX)
		const [files, names, ...rows] = (yield* wait(
			fs.catalogue.read(wanted.filesQuery(some), wanted.namesQuery(some), ...backups.ofFilesQueries(some)),
		)) as [WantedFile[], NameOf[], ...BackupRow[][]]
		const versions = new Map(files.map(({ id, version }) => [id, version]))
		for (const row of rows.flat()) {
			if (row.site_id !== site || !isHeld(row) || row.path === null || versions.get(row.file_id) !== row.version) continue
			const to = yield* newPath(fs, fs.catalogue, row, names.filter((name) => name.file_id === row.file_id))
			if (to) moves.set(Buffer.from(row.path).toString('latin1'), { row, to })
		}
	}
	return moves
}

/** Undefined where one of the file's names is the path it is held under; the first of them otherwise. */
export function* newPath(fs: Filesystem, reader: Reader | Transaction, { path }: Pick<BackupRow, 'path'>, names: readonly NameOf[]): Op<Path | undefined> {
	let first: Path | undefined
	for (const name of names) {
		const now = yield* pathOf(fs, reader as Transaction, name)
		if (now && path !== null && now.equals(path)) return undefined
		if (now && !isInTrash(now)) first ??= now
	}
	return first
}
