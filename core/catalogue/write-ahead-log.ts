/**
 * Makes SQLite's write-ahead log durable on demand. With synchronous=NORMAL SQLite syncs the log only before a checkpoint,
 * and the database after it; so whatever was committed is either in a database that was synced or in the log as it is now,
 * and one fsync of the log covers it, also after SQLite began the log anew (it overwrites the same file, which stays while
 * any connection is open).
 *
 * Only the log is opened here. Closing a descriptor of the database file itself would drop SQLite's POSIX locks on it
 * (sqlite.org/howtocorrupt.html, 2.2).
 */
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CatalogueError } from '../errors.ts'

export interface WriteAheadLog {
	sync(): Promise<void>
	close(): Promise<void>
}

export function writeAheadLog(database: string): WriteAheadLog {
	let log: Promise<FileHandle> | undefined
	let running: Promise<void> | undefined
	let next: Promise<void> | undefined

	/** Where it cannot be opened, for want of a descriptor say, the next sync tries again. */
	const opened = () => {
		log ??= openDurably(`${database}-wal`).catch((error) => {
			log = undefined
			throw error
		})
		return log
	}

	const start = () => {
		running = opened().then((handle) => handle.datasync()).catch(asErrno)
		next = undefined
		return running.finally(() => {
			if (!next) running = undefined
		})
	}

	return {
		/** A sync under way may have begun before the caller's commit: it waits for the one after, shared by all who wait. */
		sync() {
			if (!running) return start()
			next ??= running.then(start, start)
			return next
		},
		async close() {
			const handle = await log?.catch(() => undefined)
			await handle?.close()
		},
	}
}

/** The log's name must survive a power cut too, so its directory is synced once. */
async function openDurably(path: string): Promise<FileHandle> {
	const directory = await open(dirname(path), 'r')
	try {
		await directory.sync()
	} finally {
		await directory.close()
	}
	return open(path, 'r+')
}

function asErrno(error: unknown): never {
	const { code, message } = error as NodeJS.ErrnoException
	throw new CatalogueError(code ?? 'EIO', `the catalogue's log: ${message}`)
}
