/**
 * Users rename and write while a node is walked. What was concluded from a look at the disk may only be written down when
 * nothing happened to that name or file since before the look: the journal of changes says so.
 */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import * as changes from '../../core/catalogue/changes.ts'
import type { Query, Reader } from '../../core/catalogue/driver.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { BATCH_ROWS_MAX, createJournal } from '../../core/filesystem/journal.ts'
import type { FileId, Name } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'

/** Names of one watch. Where more were touched, as by another walk that is quicker, it counts as all of them. */
const TOUCHED_NAMES_MAX = 20_000

/** What happened since it was opened. */
export interface Watch {
	isTouched(parent: FileId, name: Name): boolean
	/** The same, but for certain: where too many were touched to tell it is no name in particular. */
	isNamed(parent: FileId, name: Name): boolean
	isFileTouched(id: FileId): boolean
	/** Nothing at all. */
	readonly isQuiet: boolean
	/** A directory was moved: paths may lead elsewhere. */
	readonly moved: boolean
	/** By an exchange, of which the journal names one side only. */
	readonly exchanged: boolean
	end(): void
}

export interface Watchman {
	open(): Watch
	/** Of a directory it is enough to know whether anybody was at a name in it: from now on, until it is left. */
	attend(directory: FileId): void
	/** Whether anybody was. */
	leave(directory: FileId): boolean
	/** Grows when directories are moved: what is known of where they are no longer holds. */
	generation(): number
	/** Nor does it when another made a directory that this walk would have made. */
	doubt(): void
	/** In the transaction that adopts them: of files with these ids there is nothing to be told. */
	adopt(ids: readonly FileId[]): void
	/** To be asked together with something else; its rows go to `take`. */
	query(): Query
	take(rows: ChangeRow[], reader: Reader): Op<void>
	/** Everything there is to know by now. */
	look(reader: Reader): Op<void>
	/** In a transaction that has looked, after its own changes: what `passOver` is to be given when it is committed. */
	end(tx: Reader): Op<number>
	/** So many changes of its own need not be read again, here or by the filesystem: a long walk would have it read them all at once. */
	passOver(end: number): Op<void>
}

interface Open extends Watch {
	see(row: ChangeRow): void
}

export function* startWatching(fs: Filesystem): Op<Watchman> {
	const journal = createJournal(fs.capabilities, { transactionMs: fs.config.catalogueTimeoutMs })
	yield* journal.start(fs.catalogue)
	const watches = new Set<Open>()
	/** Directories that are attended to, and whether anybody was at a name in them. */
	const attended = new Map<FileId, boolean>()
	/** What the walk itself made, until the journal says so: another walk may be at work as the same client. */
	const own = new Set<FileId>()
	let generation = 0
	/** The filesystem has not been told of them. */
	let hasForeign = false
	yield* catchUp(fs)

	function see(rows: readonly ChangeRow[]): void {
		for (const row of rows) {
			if (isMove(row)) generation++
			hasForeign ||= row.client_id !== fs.client
			if ((row.op === 'create' || row.op === 'mkdir') && row.file_id !== null && own.delete(row.file_id)) continue
			for (const watch of watches) watch.see(row)
			for (const parent of attended.size > 0 ? parentsOf(row) : []) if (attended.has(parent)) attended.set(parent, true)
		}
	}

	return {
		open() {
			const watch = openWatch(() => watches.delete(watch))
			watches.add(watch)
			return watch
		},
		attend: (directory) => void attended.set(directory, false),
		leave(directory) {
			const isTouched = attended.get(directory) === true
			attended.delete(directory)
			return isTouched
		},
		generation: () => generation,
		doubt: () => void generation++,
		adopt(ids) {
			// Ordered, they are passed over.
			if (!journal.isOrdered) for (const id of ids) own.add(id)
		},
		query: () => journal.query(),
		*take(rows, reader) {
			see(journal.take(rows))
			if (rows.length >= BATCH_ROWS_MAX) yield* journal.readEach(reader, see)
		},
		*look(reader) {
			yield* journal.readEach(reader, see)
		},
		*end(tx) {
			return journal.isOrdered ? ((yield* wait(changes.last(tx)))?.seq ?? 0) : 0
		},
		*passOver(end) {
			journal.passOver(end)
			if (!journal.isOrdered) return
			if (!hasForeign) return fs.journal.passOver(end)
			hasForeign = false
			yield* catchUp(fs)
		},
	}
}

function isMove({ op }: ChangeRow): boolean {
	return op === 'renamedir' || op === 'exchange'
}

/** The second place that a change is about. */
function otherPlace({ op, detail }: ChangeRow): { parent: FileId; name: Name } | undefined {
	if (detail === null || !(op === 'rename' || op === 'renamedir' || op === 'exchange')) return undefined
	return changes.readPlaceDetail(detail)
}

function parentsOf(row: ChangeRow): FileId[] {
	const other = otherPlace(row)?.parent
	return [row.parent_id, other].filter((id) => id !== null && id !== undefined)
}

function openWatch(end: () => void): Open {
	const names = new Set<string>()
	const files = new Set<FileId>()
	let isAll = false
	let moved = false
	let exchanged = false
	const isNamed = (parent: FileId, name: Name) => names.size > 0 && names.has(keyOf(parent, name))
	return {
		see(row) {
			exchanged ||= row.op === 'exchange'
			moved ||= isMove(row)
			if (isAll) return
			if (row.file_id !== null) files.add(row.file_id)
			if (row.parent_id !== null && row.name !== null) names.add(keyOf(row.parent_id, row.name))
			const other = otherPlace(row)
			if (other) names.add(keyOf(other.parent, other.name))
			isAll = names.size > TOUCHED_NAMES_MAX || files.size > TOUCHED_NAMES_MAX
			if (!isAll) return
			names.clear()
			files.clear()
		},
		isTouched: (parent, name) => isAll || isNamed(parent, name),
		isNamed,
		isFileTouched: (id) => isAll || files.has(id),
		get isQuiet() {
			return !isAll && names.size === 0 && files.size === 0 && !moved
		},
		get moved() {
			return moved
		},
		get exchanged() {
			return exchanged
		},
		end,
	}
}

function keyOf(parent: FileId, name: Uint8Array): string {
	return `${parent}:${Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')}`
}
