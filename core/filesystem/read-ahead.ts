/**
 * Read-ahead by directory, for a catalogue across a socket: when one name after another of a directory is asked for, the
 * rows that follow are fetched with it. The journal invalidates what others change, this client's own operations what they
 * change, and nothing is kept longer than a few seconds. Opening a file never relies on it.
 */
import type { ListedRow } from '../catalogue/entries.ts'
import * as entries from '../catalogue/entries.ts'
import type { Driver } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { FileId, Name } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { createKnownNames, type KnownNames } from './known-names.ts'
import { createListAhead, type ListAhead } from './list-ahead.ts'
import { createWholeNames, type WholeNames } from './whole-names.ts'

const ROWS_FIRST = 32
const ROWS_MAX = 2_048
const DIRECTORIES_MAX = 64
const KEEP_MS = 5_000

interface Ahead {
	rows: Map<string, FileRow>
	hits: number
	misses: number
	/** Rows to fetch at the next miss. */
	size: number
	at: number
}

export interface ReadAhead {
	lookup(driver: Driver, parent: FileId, name: Name): Op<FileRow | undefined>
	/** The names in directories; forgotten with the rest. */
	readonly listings: ListAhead
	/** What an embedded catalogue was asked for; forgotten with the rest. */
	readonly names: KnownNames
	/** The names that directories made here do not have; forgotten with the rest. */
	readonly whole: WholeNames
	/** This client has changed the names in a directory: one came, or some went. */
	changedNames(parent: FileId, came?: Name): void
	forgetDirectory(parent: FileId): void
	forgetFile(file: FileId): void
	forget(): void
}

export function createReadAhead(nowMs: () => number = Date.now): ReadAhead {
	const listings = createListAhead()
	const names = createKnownNames()
	const whole = createWholeNames()
	const directories = new Map<FileId, Ahead>()
	/** Where a file's row may be kept; a file with several names is kept under one of them only. */
	const places = new Map<FileId, FileId>()
	/** One more with everything that is to be forgotten, kept or not: it may be among the rows that are on their way. */
	let generation = 0

	function ahead(parent: FileId): Ahead {
		const known = directories.get(parent)
		if (known && nowMs() - known.at < KEEP_MS) return known
		if (known) drop(parent)
		if (directories.size >= DIRECTORIES_MAX) drop(directories.keys().next().value as FileId)
		const fresh: Ahead = { rows: new Map(), hits: 0, misses: 0, size: ROWS_FIRST, at: nowMs() }
		directories.set(parent, fresh)
		return fresh
	}

	function keep(parent: FileId, into: Ahead, rows: readonly ListedRow[]): void {
		if (into.rows.size + rows.length > ROWS_MAX * 2) {
			for (const row of into.rows.values()) places.delete(row.id)
			into.rows.clear()
		}
		for (const row of rows) {
			if (row.nlink > 1 && row.kind === 8) continue
			into.rows.set(keyOf(row.name), row)
			places.set(row.id, parent)
		}
	}

	function drop(parent: FileId): void {
		const known = directories.get(parent)
		if (!known) return
		for (const row of known.rows.values()) places.delete(row.id)
		directories.delete(parent)
	}

	function dropAbove(file: FileId): void {
		const parent = places.get(file)
		if (parent !== undefined) drop(parent)
	}

	/** A fetch that was mostly used makes the next one larger, one that was not makes it smaller. */
	function nextSize(a: Ahead): number {
		if (a.misses < 2) return 1
		const used = a.hits / (a.size * (a.misses - 1) || 1)
		return used >= 0.25 ? Math.min(ROWS_MAX, a.size * 4) : Math.max(1, a.size >> 2)
	}

	function changedNames(parent: FileId, came?: Name): void {
		generation++
		listings.forgetDirectory(parent)
		names.forgetDirectory(parent)
		if (came) whole.put(parent, came)
		drop(parent)
		// Its own attributes change with its names.
		dropAbove(parent)
	}

	return {
		listings,
		names,
		whole,
		changedNames,
		*lookup(driver, parent, name) {
			const a = ahead(parent)
			const kept = a.rows.get(keyOf(name))
			if (kept) {
				a.hits++
				return kept
			}
			a.misses++
			const rows = a.misses === 1 ? 1 : nextSize(a)
			if (rows === 1) return yield* wait(entries.lookup(driver, parent, name))
			a.size = rows
			a.hits = 0
			a.misses = 2
			const asked = generation
			const listed = yield* wait(entries.listFrom(driver, parent, name, rows))
			// Something was forgotten while the answer was on its way: the rows are good for this caller, not for keeping.
			if (generation === asked && directories.get(parent) === a) keep(parent, a, listed)
			const [first] = listed
			return first && Buffer.compare(first.name, name) === 0 ? first : undefined
		},
		forgetDirectory(parent) {
			changedNames(parent)
			whole.forgetDirectory(parent)
		},
		forgetFile(file) {
			generation++
			listings.forgetFile(file)
			names.forgetFile(file)
			dropAbove(file)
		},
		forget() {
			generation++
			listings.forget()
			names.forget()
			whole.forget()
			directories.clear()
			places.clear()
		},
	}
}

function keyOf(name: Uint8Array): string {
	return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}
