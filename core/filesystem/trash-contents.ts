/** Everything in the trash, oldest day first, a page at a time: it may be as large as the tree. */
import * as entries from '../catalogue/entries.ts'
import type { ListedRow } from '../catalogue/entries.ts'
import type { Reader } from '../catalogue/driver.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { joinPath } from './directories.ts'
import type { Place } from './names.ts'
import { componentsOf, type Folder, looksNumbered, readFolder, TRASH, withoutNumber } from './trash-paths.ts'

const PAGE_ROWS = 500

export interface Kept {
	row: FileRow
	place: Place
	/** In the trash, from the root of the tree. */
	path: Path
	folder: Folder
}

/** The days there are. What somebody else put into the trash is none of them. */
export async function folders(reader: Reader): Promise<Kept[]> {
	const trash = await entries.lookup(reader, ROOT_ID, TRASH)
	if (trash?.kind !== KIND.directory) return []
	const found: Kept[] = []
	for await (const row of listed(reader, trash.id)) {
		const folder = row.kind === KIND.directory ? readFolder(row.name) : undefined
		if (folder) found.push({ row, place: { parent: trash.id, name: row.name }, path: joinPath(TRASH, row.name), folder })
	}
	return found.sort((a, b) => a.folder.day - b.folder.day)
}

/** What is below a directory in the trash: files, and each directory after what is in it. It may be removed while it is gone through. */
export async function* below(reader: Reader, directory: Kept): AsyncGenerator<Kept> {
	for await (const row of listed(reader, directory.row.id)) {
		const place = { parent: directory.row.id, name: row.name }
		const kept = { row, place, path: joinPath(directory.path, row.name), folder: directory.folder }
		if (row.kind === KIND.directory) yield* below(reader, kept)
		yield kept
	}
}

async function* listed(reader: Reader, directory: FileId, start: Buffer = Buffer.alloc(0)): AsyncGenerator<ListedRow & { name: Buffer }> {
	for (let after: Uint8Array = start; ; ) {
		const rows = await entries.list(reader, directory, after, PAGE_ROWS)
		for (const row of rows) yield { ...row, name: Buffer.from(row.name) }
		if (rows.length < PAGE_ROWS) return
		after = rows[rows.length - 1].name
	}
}

/** What a path of the tree leads to in the trash; undefined when it leads nowhere, or not there. */
export async function findKept(reader: Reader, path: Path): Promise<Kept | undefined> {
	const [trash, day, ...rest] = componentsOf(path)
	const folder = day && readFolder(day)
	if (!trash?.equals(TRASH) || !folder) return undefined
	let place: Place = { parent: ROOT_ID, name: trash }
	let row = await entries.lookup(reader, place.parent, place.name)
	for (const name of [day, ...rest]) {
		if (row?.kind !== KIND.directory) return undefined
		place = { parent: row.id, name }
		row = await entries.lookup(reader, place.parent, place.name)
	}
	return row && { row, place, path: Buffer.from(path), folder }
}

/**
 * What had that path when it was removed: of a file the latest, of a directory all there is of the latest day. Nothing when the
 * path leads nowhere in the trash.
 */
export async function findRemoved(reader: Reader, path: Path): Promise<Kept[]> {
	const names = componentsOf(path)
	if (names.length === 0) return []
	for (const folder of (await folders(reader)).reverse()) {
		let found = [folder]
		for (const name of names) found = (await Promise.all(found.map((directory) => ofName(reader, directory, name)))).flat()
		const files = found.filter(({ row }) => row.kind !== KIND.directory).sort((a, b) => b.row.ctime - a.row.ctime || b.row.ctime_ns - a.row.ctime_ns)
		if (found.length > 0) return files.length > 0 ? files.slice(0, 1) : found
	}
	return []
}

/** Everything in a directory of the trash that had this name. */
async function ofName(reader: Reader, directory: Kept, name: Buffer): Promise<Kept[]> {
	// A name that looks numbered never stands there without a number of its own.
	const plain = looksNumbered(name) ? undefined : await entries.lookup(reader, directory.row.id, name)
	const rows: Array<FileRow & { name: Buffer }> = plain ? [{ ...plain, name }] : []
	const prefix = Buffer.concat([name, Buffer.from('.~')])
	for await (const row of listed(reader, directory.row.id, prefix)) {
		if (!prefix.equals(row.name.subarray(0, prefix.length))) break
		if (name.equals(withoutNumber(row.name))) rows.push(row)
	}
	return rows.map((row) => ({
		row, place: { parent: directory.row.id, name: row.name }, path: joinPath(directory.path, row.name), folder: directory.folder,
	}))
}
