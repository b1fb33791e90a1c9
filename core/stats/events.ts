/**
 * The journal for those who follow it: each line once, with the paths its names have now. A position is a number below which
 * nothing is missing; who goes on from one that was given earlier may see a line again, and misses none.
 */
import * as changes from '../catalogue/changes.ts'
import type { DatedChangeRow } from '../catalogue/changes.ts'
import type { Driver } from '../catalogue/driver.ts'
import type { ClientId, FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { jsonBytes } from '../text.ts'
import { directoryPath, pathOf } from './paths.ts'

export interface Event {
	seq: number
	/** Unix seconds. */
	at: number
	op: changes.ChangeOp
	client: ClientId
	file: FileId | undefined
	/** Where it happened. Undefined where that is known no more, or is no place. */
	path: Path | undefined
	/** rename, renamedir, exchange: where to. */
	to: Path | undefined
}

export interface Follower {
	/** Go on from here another time. */
	readonly position: number
	/** What is new, oldest first; there may be more when there are `EVENTS_MAX`. */
	next(): Op<Event[]>
}

export const EVENTS_MAX = 500
/** As in core/filesystem/journal.ts: a number that has not appeared so long after a higher one never will. */
const GAP_SECONDS_MAX = 10

export function followFrom(catalogue: Driver, position: number): Follower {
	let low = position
	let seen = new Set<number>()
	return {
		get position() {
			return low
		},
		*next() {
			const rows = yield* wait(changes.datedAfter(catalogue, low, EVENTS_MAX + seen.size, catalogue.capabilities))
			const fresh = rows.filter((row) => !seen.has(row.seq))
			const end = catalogue.capabilities.synchronous ? rows.length : settled(rows, low)
			if (end > 0) low = rows[end - 1].seq
			seen = new Set(rows.slice(end).map((row) => row.seq))
			const events: Event[] = []
			for (const row of fresh) events.push(yield* toEvent(catalogue, row))
			return events
		},
	}
}

/** How many of the rows follow each other without a gap that may still be filled. */
export function settled(rows: ReadonlyArray<{ seq: number; at: number; now: number }>, low: number, gapSecondsMax: number = GAP_SECONDS_MAX): number {
	let before = low
	for (const [index, { seq, at, now }] of rows.entries()) {
		if (seq !== before + 1 && now - at < gapSecondsMax) return index
		before = seq
	}
	return rows.length
}

/** The number after which everything is younger than a moment. */
export function* positionAt(catalogue: Driver, seconds: number): Op<number> {
	return (yield* wait(changes.lastBefore(catalogue, seconds)))?.seq ?? 0
}

/** So many lines before the end. */
export function* positionBeforeEnd(catalogue: Driver, lines: number): Op<number> {
	return (yield* wait(changes.beforeEnd(catalogue, lines)))?.seq ?? 0
}

/** As JSON has it: names that are no text are there in base64 too. */
export function eventFields({ path, to, ...event }: Event): object {
	return { ...event, ...(path ? jsonBytes('path', path) : {}), ...(to ? jsonBytes('to', to) : {}) }
}

function* toEvent(catalogue: Driver, row: DatedChangeRow): Op<Event> {
	const detail = row.detail === null ? undefined : changes.readPlaceDetail(row.detail)
	const file = row.file_id ?? undefined
	const named = row.parent_id !== null && row.name !== null ? yield* placePath(catalogue, row.parent_id, Buffer.from(row.name)) : undefined
	return {
		seq: row.seq,
		at: row.at,
		op: row.op,
		client: row.client_id,
		file,
		path: named ?? (row.parent_id === null && file !== undefined ? yield* pathOf(catalogue, file) : undefined),
		to: detail && (yield* placePath(catalogue, detail.parent, detail.name)),
	}
}

function* placePath(catalogue: Driver, parent: FileId, name: Buffer): Op<Path | undefined> {
	const directory = yield* directoryPath(catalogue, parent)
	return directory && Buffer.concat([directory, name])
}
