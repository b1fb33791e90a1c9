/**
 * Makes SQLite's write-ahead log durable on demand. With synchronous=NORMAL SQLite syncs the log only before a checkpoint,
 * and the database after it; so whatever was committed is either in a database that was synced or in the log as it is now,
 * and one fsync of the log covers it, also after SQLite began the log anew (it overwrites the same file, which stays while
 * any connection is open).
 *
 * What a disk refuses of the log it is not asked for again: the kernel tells of it once, and takes it for written. Whatever was synced
 * afterwards would have a gap before it, where the log ends after a power cut. So all of it is written once more then, by whichever process
 * syncs next: one that opened the log later is not told of it by the kernel (held-log.ts keeps it).
 *
 * Only the log is opened here. Closing a descriptor of the database file itself would drop SQLite's POSIX locks on it
 * (sqlite.org/howtocorrupt.html, 2.2).
 */
import { readSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CatalogueError } from '../errors.ts'
import type { Maybe } from '../op.ts'
import type { HeldLog } from './held-log.ts'

const PIECE_BYTES = 1024 * 1024

export interface WriteAheadLog {
	sync(): Promise<void>
	close(): Promise<void>
}

/** What all processes on this catalogue know of refusals. */
type Refusals = Pick<HeldLog, 'refused' | 'refuse' | 'writtenAgain'>

/** `alone`: does that while nobody writes to the log. */
export function writeAheadLog(database: string, alone: (work: () => void) => Maybe<void>, refusals?: Refusals): WriteAheadLog {
	let log: Promise<FileHandle> | undefined
	let running: Promise<void> | undefined
	let next: Promise<void> | undefined
	let hasGap = false

	/** Where it cannot be opened, for want of a descriptor say, the next sync tries again. */
	const opened = () => {
		log ??= openDurably(`${database}-wal`).catch((error) => {
			log = undefined
			throw error
		})
		return log
	}

	async function syncNow(): Promise<void> {
		const handle = await opened()
		const refused = refusals?.refused() ?? 0
		if (hasGap || refused > 0) await alone(() => writeAgain(handle.fd))
		hasGap = true
		try {
			await handle.datasync()
		} catch (error) {
			refusals?.refuse()
			throw error
		}
		hasGap = false
		if (refused > 0) refusals?.writtenAgain(refused)
	}

	const start = () => {
		running = syncNow().catch(asErrno)
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

/** What is in memory is right: it is what everybody reads. */
function writeAgain(fd: number): void {
	const piece = Buffer.allocUnsafe(PIECE_BYTES)
	for (let at = 0; ; ) {
		const bytes = readSync(fd, piece, 0, piece.length, at)
		if (bytes === 0) return
		at += writeSync(fd, piece, 0, bytes, at)
	}
}

function asErrno(error: unknown): never {
	if (error instanceof CatalogueError) throw error
	const { code, message } = error as NodeJS.ErrnoException
	throw new CatalogueError(code ?? 'EIO', `the catalogue's log: ${message}`)
}
