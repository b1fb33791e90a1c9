/** The embedded engine's file: how it is opened, the room there is for it, and how it says that others have changed it. */
import { statfsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pause } from './pause.ts'
import { isBusy, translated } from './sqlite-errors.ts'
import type { WalIndex } from './wal-index.ts'

/** SQLite's own wait sleeps on the calling thread: only as long as a short transaction of another process takes. */
export const BUSY_MS = 2
/** Changing a new file to WAL needs it alone for a moment, and SQLite does not wait for that by itself. */
const OPEN_WAIT_MS_MAX = 5_000
const RETRY_MS = 20
/** 32 MB of log between checkpoints: a page changed by many transactions is written back once. */
const CHECKPOINT_PAGES = 32_768
/** A commit writes every page it touched whole, and most of our transactions touch ten: small pages make them a third cheaper. */
const PAGE_BYTES = 1024
const SETTINGS = `
	PRAGMA page_size = ${PAGE_BYTES};
	PRAGMA journal_mode = WAL;
	PRAGMA synchronous = NORMAL;
	PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
	PRAGMA temp_store = MEMORY;
`

export function openDatabase(path: string): DatabaseSync {
	const until = performance.now() + OPEN_WAIT_MS_MAX
	for (;;) {
		const db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false })
		try {
			db.exec(SETTINGS)
			return db
		} catch (error) {
			db.close()
			if (!isBusy(error) || performance.now() > until) throw translated(error)
			pause(RETRY_MS)
		}
	}
}

/** Bytes. */
export function roomAt(path: string): number {
	const { bavail, bsize } = statfsSync(path)
	return bavail * bsize
}

/** Grows with the commits of other connections. */
export function versionOf(db: DatabaseSync): () => number {
	const statement = db.prepare('PRAGMA data_version')
	return () => (statement.get() as { data_version: number }).data_version
}

/** Without the shared memory SQLite has to be asked. */
export function askedFor(current: () => number): WalIndex {
	let seen = current()
	return {
		isChangedElsewhere: () => current() !== seen,
		markSeen() {
			seen = current()
		},
		moved: () => true,
		before: () => 0,
		after() {},
	}
}
