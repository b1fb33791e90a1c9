/**
 * The names in directories, kept and fetched ahead: who walks a tree lists the subdirectories of a directory one after the other, so
 * the names in those that come next are fetched with the names in this one. Only whole, small directories are kept, as long as the
 * kernel keeps a listing: the journal invalidates what others change, this client's own operations what they change.
 */
import type { ListedRow, NamedRow } from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import type { FileId } from '../ids.ts'

const TOGETHER_MAX = 64
const TOGETHER_GROWS = 4
const ROWS_MAX = 12_288
const CHILDREN_MAX = 16_384

/** The subdirectories of a directory, in the order of its listing. */
interface Family {
	children: FileId[]
	/** The place of the one that a walker lists next. */
	next: number
	/** How many are fetched together. */
	together: number
}

/** The same array as long as it is kept: what was made of it may be kept with it. */
export type KeptRows = ReadonlyArray<NamedRow | ListedRow>

export interface ListAhead {
	/** A directory was listed, or a part of it: the subdirectories seen. `start` says that it was the first part. */
	seen(directory: FileId, subdirectories: readonly FileId[], start: boolean): void
	/** All the names in a directory, if they are kept. */
	find(directory: FileId): KeptRows | undefined
	/** The directory and those to fetch with it. */
	together(directory: FileId): FileId[]
	/** To be handed to `keep`: nothing is kept if anything was forgotten since. */
	generation(): number
	keep(asked: number, directory: FileId, rows: KeptRows): void
	forgetDirectory(directory: FileId): void
	forgetFile(file: FileId): void
	forget(): void
}

export function createListAhead(): ListAhead {
	const kept = new Map<FileId, KeptRows>()
	/** Under which directory the row of a subdirectory may be kept. */
	const above = new Map<FileId, FileId>()
	const families = new Map<FileId, Family>()
	const places = new Map<FileId, { family: Family; index: number }>()
	let rowsKept = 0
	let generation = 0

	function drop(directory: FileId): void {
		const found = kept.get(directory)
		if (!found) return
		kept.delete(directory)
		rowsKept -= found.length + 1
		for (const { id, kind } of found) if (kind === KIND.directory) above.delete(id)
	}

	function dropAbove(file: FileId): void {
		const directory = above.get(file)
		if (directory !== undefined) drop(directory)
	}

	function advance(directory: FileId): Family | undefined {
		const place = places.get(directory)
		if (!place) return undefined
		const { family, index } = place
		family.together = index === family.next ? Math.min(TOGETHER_MAX, family.together * TOGETHER_GROWS) : 1
		family.next = index + 1
		return family
	}

	return {
		seen(directory, subdirectories, start) {
			if (places.size + subdirectories.length > CHILDREN_MAX) {
				families.clear()
				places.clear()
			}
			const known = start ? undefined : families.get(directory)
			const family = known ?? { children: [], next: 0, together: 1 }
			families.set(directory, family)
			for (const id of subdirectories) places.set(id, { family, index: family.children.push(id) - 1 })
		},
		find(directory) {
			const found = kept.get(directory)
			const place = found && places.get(directory)
			if (place) place.family.next = place.index + 1
			return found
		},
		together(directory) {
			const family = advance(directory)
			return family ? [directory, ...family.children.slice(family.next, family.next + family.together - 1)] : [directory]
		},
		generation: () => generation,
		keep(asked, directory, rows) {
			if (asked !== generation) return
			drop(directory)
			while (rowsKept + rows.length >= ROWS_MAX && kept.size > 0) drop(kept.keys().next().value as FileId)
			kept.set(directory, rows)
			rowsKept += rows.length + 1
			for (const { id, kind } of rows) if (kind === KIND.directory) above.set(id, directory)
		},
		/** Its own attributes change with its names. */
		forgetDirectory(directory) {
			generation++
			drop(directory)
			dropAbove(directory)
		},
		forgetFile(file) {
			generation++
			dropAbove(file)
		},
		forget() {
			generation++
			kept.clear()
			above.clear()
			rowsKept = 0
		},
	}
}
