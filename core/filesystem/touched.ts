/**
 * Directories whose names this client changed lately, as they are since. After every such change the kernel asks for the
 * directory's attributes before it does anything else there: the transaction that made the change had them at hand, and the
 * next one need not ask for them again. As attributes used only by a client that is alone; the journal forgets what others did.
 */
import type { Capabilities } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Time } from '../clock.ts'
import type { FileId } from '../ids.ts'

const DIRECTORIES_MAX = 64

/** A change of the names in a directory, from its beginning. */
export type Turn = number

export interface Touched {
	get(id: FileId): FileRow | undefined
	/** A change begins. Where several go on at a time nobody knows in which order they were made, and nothing is kept of them. */
	begin(id: FileId): Turn
	/** The change was made: a directory as it was before, when `links` subdirectories came or went. */
	keep(turn: Turn, before: FileRow, time: Time, links?: number): void
	/** One that is new. */
	add(row: FileRow): void
	forget(id: FileId): void
	forgetAll(): void
}

export function createTouched({ synchronous }: Pick<Capabilities, 'synchronous'>): Touched {
	const rows = new Map<FileId, FileRow>()
	/** Of each directory the last that began, or what made an end to all that had begun. */
	const turns = new Map<FileId, Turn>()
	let turn = 0

	function set(row: FileRow): void {
		if (rows.size >= DIRECTORIES_MAX) rows.clear()
		rows.set(row.id, row)
	}

	function next(id: FileId): Turn {
		if (synchronous) return 0
		if (turns.size >= DIRECTORIES_MAX) forgetAll()
		turns.set(id, ++turn)
		return turn
	}

	function forget(id: FileId): void {
		rows.delete(id)
		next(id)
	}

	function forgetAll(): void {
		rows.clear()
		turns.clear()
	}

	return {
		get: (id) => rows.get(id),
		begin: next,
		keep(begun, before, time, links = 0) {
			if (!synchronous && turns.get(before.id) !== begun) return forget(before.id)
			set({
				...before,
				mtime: time.s,
				mtime_ns: time.ns,
				ctime: time.s,
				ctime_ns: time.ns,
				nlink: before.nlink + links,
			})
		},
		add: set,
		forget,
		forgetAll,
	}
}
