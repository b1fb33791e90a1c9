/**
 * Small files that were asked for lately, with the answer to whoever asks again. One is given as long as the journal says nothing of
 * its file, of its name or of a directory above it, and the catalogue tells for free whether there is anything to read there. What is
 * kept has the hash of its version, so it is the file's content wherever it lies and whatever became of a copy; a file that is being
 * written in place is what was published last until it is published again.
 */
import { hash } from 'node:crypto'
import { readPlaceDetail, type ChangeRow } from '../../core/catalogue/changes.ts'
import { hashOf } from '../../core/catalogue/hashes.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { directoryMoved } from '../../core/filesystem/follow.ts'
import { BATCH_ROWS_MAX, createJournal } from '../../core/filesystem/journal.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import type { FileId, Name, Path } from '../../core/ids.ts'
import { isPromise, type Op, run, wait } from '../../core/op.ts'
import type { Found } from '../content/send.ts'
import { hrefOf } from '../files/listing.ts'

const HELD_BYTES_MAX = 16 * 1024 * 1024
/** Of each besides its content, of 200 bytes, as a snapshot of the heap has it. */
const ANSWER_BYTES = 3_072
/** Lines of the journal are removed some day; whoever has not looked for so long believes nothing. */
const UNREAD_MS_MAX = 3_600_000

export interface HotAnswer {
	readonly path: Path
	readonly row: LocatedRow
	readonly bytes: Buffer
	/** Names and values in turn. */
	readonly whole: string[]
	readonly notModified: string[]
}

export interface HotAnswers {
	/** By an address as it stands in the request. */
	find(url: string): HotAnswer | undefined
	/** What was just answered, if it may be answered again. `headers` are those of all of it. */
	keep(url: string, answered: { found: Found; headers: Record<string, string>; bytes: Buffer }): void
}

interface Kept extends HotAnswer {
	url: string
	place: string
}

/** Undefined where the catalogue cannot say for free that nothing has changed. */
export async function createHotAnswers(fs: Filesystem): Promise<HotAnswers | undefined> {
	const { catalogue, capabilities } = fs
	if (catalogue.commits() === undefined) return undefined
	const journal = createJournal(capabilities)
	const byUrl = new Map<string, Kept>()
	const byPlace = new Map<string, Kept>()
	const byFile = new Map<FileId, Kept>()
	let heldBytes = 0
	let seen: number | undefined
	let isLooked = false
	let readAtMs = performance.now()

	function forget(kept: Kept | undefined): void {
		if (!kept) return
		byUrl.delete(kept.url)
		byPlace.delete(kept.place)
		byFile.delete(kept.row.id)
		heldBytes -= heldOf(kept)
	}

	function forgetAll(): void {
		for (const map of [byUrl, byPlace, byFile]) map.clear()
		heldBytes = 0
	}

	function follow(rows: readonly ChangeRow[]): void {
		if (rows.length === BATCH_ROWS_MAX || directoryMoved(rows)) forgetAll()
		for (const { op, file_id, parent_id, name, detail } of rows) {
			if (file_id !== null) forget(byFile.get(file_id))
			if (parent_id !== null && name !== null) forget(byPlace.get(keyOf({ parent: parent_id, name: name as Name })))
			if (detail !== null && op === 'rename') forget(byPlace.get(keyOf(readPlaceDetail(detail))))
		}
	}

	/** Forgets what does not hold any more. False where that cannot be said now: whoever asks the catalogue next hears why. */
	function isCurrent(): boolean {
		try {
			const commits = catalogue.commits()
			if (commits === seen) return true
			const reading = run(readNew())
			if (!isPromise(reading)) {
				seen = commits
				return true
			}
			reading.catch(() => undefined)
		} catch {
			// Nothing is believed then.
		}
		forgetAll()
		return false
	}

	/** Looked at once in a turn of the event loop: what is served in one turn had been sent before that look. */
	function wasCurrent(): boolean {
		if (isLooked) return true
		isLooked = isCurrent()
		if (isLooked) setImmediate(() => {
			isLooked = false
		})
		return isLooked
	}

	function* readNew(): Op<void> {
		const nowMs = performance.now()
		if (nowMs - readAtMs > UNREAD_MS_MAX) forgetAll()
		const rows = yield* wait(catalogue.all<ChangeRow>(...journal.query()))
		follow(journal.take(rows))
		// What is more than that is passed over, after everything was forgotten.
		if (rows.length === BATCH_ROWS_MAX) yield* journal.start(catalogue)
		readAtMs = nowMs
	}

	function holdsStill(path: Path, row: LocatedRow): boolean {
		const located = run(resolve(fs, path, { follow: false }))
		return !isPromise(located) && isSame(located.row, row)
	}

	await run(journal.start(catalogue))
	return {
		find(url) {
			if (!byUrl.has(url) || !wasCurrent()) return undefined
			const kept = byUrl.get(url)
			if (!kept) return undefined
			// The one that was not asked for the longest comes first.
			byUrl.delete(url)
			byUrl.set(url, kept)
			return kept
		},
		keep(url, { found: { path, place, row }, headers, bytes }) {
			// Another way to write the address, or a symlink on the way: the journal would not lead from there to here.
			if (!place || url !== hrefOf(path, false) || row.nlink !== 1 || row.written) return
			if (!hashOf(row)?.equals(hash('sha256', bytes, 'buffer')) || !isCurrent() || !holdsStill(path, row)) return
			const kept: Kept = { url, place: keyOf(place), path, row, bytes, whole: Object.entries(headers).flat(), notModified: Object.entries(withoutContent(headers)).flat() }
			for (const old of [byUrl.get(url), byPlace.get(kept.place), byFile.get(row.id)]) if (old && byUrl.has(old.url)) forget(old)
			byUrl.set(url, kept)
			byPlace.set(kept.place, kept)
			byFile.set(row.id, kept)
			heldBytes += heldOf(kept)
			while (heldBytes > HELD_BYTES_MAX) forget(byUrl.values().next().value)
		},
	}
}

/** Its content twice: once more with the head it is sent with. */
function heldOf({ bytes }: HotAnswer): number {
	return 2 * bytes.length + ANSWER_BYTES
}

function keyOf({ parent, name }: Place): string {
	return `${parent}/${Buffer.from(name).toString('latin1')}`
}

function isSame(now: LocatedRow | undefined, then: LocatedRow): boolean {
	const hash = now && hashOf(now)
	if (!hash || now.written || now.nlink !== 1) return false
	return now.id === then.id && now.version === then.version && now.mtime === then.mtime && now.size === then.size && hash.equals(hashOf(then) as Buffer)
}

/** What is said of content is not said where none is sent. */
function withoutContent({ 'content-length': _, 'repr-digest': __, ...rest }: Record<string, string>): Record<string, string> {
	return rest
}
