/**
 * Directories whose names this client changed lately, as they are since. After every such change the kernel asks for the
 * directory's attributes before it does anything else there: the transaction that made the change had them at hand. Kept
 * only where changes are known in the order of their commits, and used only by a client that is alone; the journal forgets
 * what others did.
 */
import type { Capabilities } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Time } from '../clock.ts'
import type { FileId } from '../ids.ts'

const DIRECTORIES_MAX = 64

export interface Touched {
	get(id: FileId): FileRow | undefined
	/** A directory as it was before, when its names changed and `links` subdirectories came or went. */
	keep(before: FileRow, time: Time, links?: number): void
	forget(id: FileId): void
	forgetAll(): void
}

export function createTouched({ synchronous }: Pick<Capabilities, 'synchronous'>): Touched {
	const rows = new Map<FileId, FileRow>()
	return {
		get: (id) => rows.get(id),
		keep(before, time, links = 0) {
			if (!synchronous) return
			if (rows.size >= DIRECTORIES_MAX) rows.clear()
			rows.set(before.id, {
				...before,
				mtime: time.s,
				mtime_ns: time.ns,
				ctime: time.s,
				ctime_ns: time.ns,
				nlink: before.nlink + links,
			})
		},
		forget: (id) => void rows.delete(id),
		forgetAll: () => rows.clear(),
	}
}
