/** What a site could send back of a path, a class, a time: which of what it holds, and held, goes where. */
import * as backups from '../catalogue/backups.ts'
import type { BackupRow, Held, PastRow } from '../catalogue/backups.ts'
import { isHeld } from '../catalogue/backups.ts'
import * as entries from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import type { SiteId } from '../catalogue/sites.ts'
import { joinPath } from '../filesystem/directories.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { pathsOf } from '../filesystem/paths.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { run } from '../op.ts'
import { classOf } from '../placement/placement.ts'
import { createFinder } from './at-path.ts'

export interface Wish {
	site: SiteId
	/** Of the tree; empty: all of it. */
	path: Path
	className: string | undefined
	/** As it was then; undefined: as it is, or was last. */
	at: number | undefined
	/** Also what was deleted from the tree since. */
	deleted: boolean
}

/** A content, and the path of the tree it is of. */
export type WantedBack = Held & { file_id: FileId; version: number; path: Uint8Array; target: Path }

const ROWS_AT_ONCE = 500

export async function wantedBack(fs: Filesystem, wish: Wish): Promise<WantedBack[]> {
	const inTree = await filesBelow(fs, wish.path)
	const chosen = new Map<string, { of: WantedBack; claimedAt: number }>()
	const choose = (row: BackupRow | PastRow, target: Path) => {
		if (row.path === null || (wish.className !== undefined && classOf(fs, target).name !== wish.className)) return
		const known = chosen.get(target.toString('latin1'))
		if (known && known.claimedAt >= row.claimed_at) return
		chosen.set(target.toString('latin1'), { of: { ...row, path: row.path, target }, claimedAt: row.claimed_at })
	}
	for (const [row, target] of await present(fs, wish, inTree)) if (wish.at === undefined || row.claimed_at <= wish.at) choose(row, target)
	const isNamed = (row: PastRow) => wish.path.length > 0 && wish.path.equals(row.path)
	const asItIs = new Set(chosen.keys())
	for (const row of await backups.pastBelow(fs.catalogue, wish.site, wish.path)) {
		const target = Buffer.from(row.path)
		if (wish.at !== undefined) {
			if (row.claimed_at <= wish.at && row.ended_at > wish.at) choose(row, target)
		} else if (!asItIs.has(target.toString('latin1')) && (wish.deleted || isNamed(row))) choose(row, target)
	}
	return [...chosen.values()].map(({ of }) => of)
}

/** What the site holds of files that are below the path now, or were when they went. */
async function present(fs: Filesystem, wish: Wish, inTree: Map<FileId, Path>): Promise<Array<[BackupRow, Path]>> {
	const found: Array<[BackupRow, Path]> = []
	const ids = [...inTree.keys()]
	for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) {
		const rows = ((await fs.catalogue.read(...backups.ofFilesQueries(ids.slice(at, at + ROWS_AT_ONCE)))) as BackupRow[][]).flat()
		for (const row of rows) if (row.site_id === wish.site && isHeld(row)) found.push([row, inTree.get(row.file_id) as Path])
	}
	for (const row of await backups.heldBelow(fs.catalogue, wish.site, wish.path)) {
		if (inTree.has(row.file_id) || row.path === null) continue
		// Elsewhere in the tree by now, or gone from it and not yet noticed.
		if ((await run(pathsOf(fs, row.file_id, 1))).length === 0 && wish.deleted) found.push([row, Buffer.from(row.path)])
	}
	return found
}

async function filesBelow(fs: Filesystem, path: Path): Promise<Map<FileId, Path>> {
	const files = new Map<FileId, Path>()
	const top = path.length === 0 ? { id: ROOT_ID, kind: KIND.directory } : await run(createFinder()(fs.catalogue, path))
	if (top?.kind === KIND.regular) files.set(top.id, path)
	if (top?.kind === KIND.directory) for (const left = [{ id: top.id, path }]; left.length > 0; ) await listInto(fs, left, files)
	return files
}

async function listInto(fs: Filesystem, left: Array<{ id: FileId; path: Path }>, files: Map<FileId, Path>): Promise<void> {
	const directory = left.pop() as { id: FileId; path: Path }
	for (let after: Uint8Array = Buffer.alloc(0); ; ) {
		const [rows] = (await fs.catalogue.read(entries.listNamesQuery(directory.id, after, ROWS_AT_ONCE))) as [entries.NamedRow[]]
		for (const { id, kind, name } of rows) {
			const path = joinPath(directory.path, Buffer.from(name))
			if (kind === KIND.directory) left.push({ id, path })
			else if (kind === KIND.regular && !files.has(id)) files.set(id, path)
		}
		if (rows.length < ROWS_AT_ONCE) return
		after = rows[rows.length - 1].name
	}
}
