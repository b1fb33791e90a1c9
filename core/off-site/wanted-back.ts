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

/** Some at a time: of a whole archive it is more than there is memory. */
export async function* wantedBack(fs: Filesystem, wish: Wish): AsyncGenerator<WantedBack[]> {
	if (wish.at === undefined && !wish.deleted) return yield* asItIs(fs, wish)
	yield await asItWas(fs, wish)
}

/** Of each file that is there what the site has; and what the path itself was last, where nothing of the kind is there. */
async function* asItIs(fs: Filesystem, wish: Wish): AsyncGenerator<WantedBack[]> {
	let isNamed = false
	for await (const files of filesBelow(fs, wish.path)) {
		const wanted = (await heldOf(fs, wish, files)).flatMap(([row, target]) => toBeSent(fs, wish, row, target))
		isNamed ||= wanted.some(({ target }) => target.equals(wish.path))
		if (wanted.length > 0) yield wanted
	}
	if (isNamed || wish.path.length === 0) return
	const before = (await backups.pastAt(fs.catalogue, wish.site, wish.path)).sort((a, b) => b.claimed_at - a.claimed_at)
	yield before.flatMap((row) => toBeSent(fs, wish, row, wish.path)).slice(0, 1)
}

function toBeSent(fs: Filesystem, { className }: Wish, row: BackupRow | PastRow, target: Path): WantedBack[] {
	if (row.path === null || (className !== undefined && classOf(fs, target).name !== className)) return []
	return [{ ...row, path: row.path, target }]
}

async function asItWas(fs: Filesystem, wish: Wish): Promise<WantedBack[]> {
	const chosen = new Map<string, { of: WantedBack; claimedAt: number }>()
	const choose = (row: BackupRow | PastRow, target: Path) => {
		const key = target.toString('latin1')
		const known = chosen.get(key)
		if (known && known.claimedAt >= row.claimed_at) return
		for (const of of toBeSent(fs, wish, row, target)) chosen.set(key, { of, claimedAt: row.claimed_at })
	}
	for await (const [row, target] of present(fs, wish)) if (wish.at === undefined || row.claimed_at <= wish.at) choose(row, target)
	const asItIs = new Set(chosen.keys())
	for await (const rows of backups.pastBelow(fs.catalogue, wish.site, wish.path)) {
		for (const row of rows) {
			const target = Buffer.from(row.path)
			const isOfThen = wish.at === undefined ? !asItIs.has(target.toString('latin1')) : row.claimed_at <= wish.at && row.ended_at > wish.at
			if (isOfThen && (wish.at !== undefined || wish.deleted)) choose(row, target)
		}
	}
	return [...chosen.values()].map(({ of }) => of)
}

/** What the site holds of files that are below the path now, or were when they went. */
async function* present(fs: Filesystem, wish: Wish): AsyncGenerator<[BackupRow, Path]> {
	const inTree = new Set<FileId>()
	for await (const files of filesBelow(fs, wish.path)) {
		for (const id of files.keys()) inTree.add(id)
		yield* await heldOf(fs, wish, files)
	}
	if (!wish.deleted) return
	for await (const rows of backups.heldBelow(fs.catalogue, wish.site, wish.path)) {
		for (const row of rows) {
			if (inTree.has(row.file_id) || row.path === null) continue
			// Elsewhere in the tree by now, or gone from it and not yet noticed.
			if ((await run(pathsOf(fs, row.file_id, 1))).length === 0) yield [row, Buffer.from(row.path)]
		}
	}
}

async function heldOf({ catalogue }: Filesystem, { site }: Wish, files: Map<FileId, Path>): Promise<Array<[BackupRow, Path]>> {
	const rows = ((await catalogue.read(...backups.ofFilesQueries([...files.keys()]))) as BackupRow[][]).flat()
	return rows.flatMap((row): Array<[BackupRow, Path]> => (row.site_id === site && isHeld(row) ? [[row, files.get(row.file_id) as Path]] : []))
}

/** Each once, whatever names it has. */
async function* filesBelow(fs: Filesystem, path: Path): AsyncGenerator<Map<FileId, Path>> {
	const top = path.length === 0 ? { id: ROOT_ID, kind: KIND.directory } : await run(createFinder()(fs.catalogue, path))
	if (top?.kind === KIND.regular) yield new Map([[top.id, path]])
	if (top?.kind !== KIND.directory) return
	const linked = new Set<FileId>()
	for (const left = [{ id: top.id, path }]; left.length > 0; ) yield* filesIn(fs, left, linked)
}

async function* filesIn({ catalogue }: Filesystem, left: Array<{ id: FileId; path: Path }>, linked: Set<FileId>): AsyncGenerator<Map<FileId, Path>> {
	const directory = left.pop() as { id: FileId; path: Path }
	for (let after: Uint8Array = Buffer.alloc(0); ; ) {
		const rows = await entries.list(catalogue, directory.id, after, ROWS_AT_ONCE)
		const files = new Map<FileId, Path>()
		for (const { id, kind, name, nlink } of rows) {
			const path = joinPath(directory.path, Buffer.from(name))
			if (kind === KIND.directory) left.push({ id, path })
			if (kind !== KIND.regular || files.has(id) || linked.has(id)) continue
			files.set(id, path)
			if (nlink > 1) linked.add(id)
		}
		if (files.size > 0) yield files
		if (rows.length < ROWS_AT_ONCE) return
		after = rows[rows.length - 1].name
	}
}
