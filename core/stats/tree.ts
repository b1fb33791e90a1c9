/**
 * The sums of directories while files are counted anew. Each directory has the sum of all below it and where it was counted;
 * something added to one is added to all above it. A directory that moves is taken off there and put on here with its whole sum: what
 * that costs is the depth of the tree, not what is below.
 */
import type { Reader, Transaction } from '../catalogue/driver.ts'
import type { Below, CountedDirectory } from '../catalogue/stat-directories.ts'
import * as directories from '../catalogue/stat-directories.ts'
import { type FileId, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

interface Directory extends CountedDirectory {
	/** Where it belongs now, where that is to be put right. */
	wanted: FileId | undefined
	isNew: boolean
	isChanged: boolean
}

export interface Tree {
	/** Directories that moved, came or went: `undefined` where it is gone. */
	place(id: FileId, parent: FileId | undefined): void
	add(directory: FileId, amount: Below): void
	/** Ids of directories whose place could not be found yet. */
	readonly unplaced: FileId[]
	/** Puts right where directories belong, then adds everything, then writes it. */
	finish(tx: Transaction): Op<void>
}

const NOWHERE = 0

export function createTree(): Tree {
	const known = new Map<FileId, Directory>()
	const places = new Map<FileId, FileId | undefined>()
	const amounts = new Map<FileId, Below>()
	const unplaced: FileId[] = []

	/** These and everything above them. What is neither counted nor there is left out. */
	function* load(reader: Reader, first: Iterable<FileId>): Op<void> {
		let missing = new Set([...first].filter((id) => id !== NOWHERE && !known.has(id)))
		while (missing.size > 0) {
			const above = new Set<FileId>()
			for (const directory of yield* read(reader, [...missing])) {
				known.set(directory.id, directory)
				above.add(directory.parent_id)
				if (directory.wanted !== undefined) above.add(directory.wanted)
			}
			missing = new Set([...above].filter((id) => id !== NOWHERE && !known.has(id)))
		}
	}

	function* read(reader: Reader, ids: readonly FileId[]): Op<Directory[]> {
		const counted = ((yield* wait(reader.read(...directories.countedQueries(ids)))) as CountedDirectory[][]).flat()
		const found = counted.map((row) => ({ ...row, wanted: undefined, isNew: false, isChanged: false }))
		const have = new Set(found.map(({ id }) => id))
		const others = ids.filter((id) => !have.has(id) && !isGone(id))
		if (others.length === 0) return found
		const there = ((yield* wait(reader.read(...directories.placesQueries(others)))) as Array<Array<{ id: FileId; parent_id: FileId | null }>>).flat()
		return [...found, ...there.map(({ id, parent_id }) => newDirectory(id, id === ROOT_ID ? NOWHERE : (parent_id ?? NOWHERE)))]
	}

	function isGone(id: FileId): boolean {
		return places.has(id) && places.get(id) === undefined
	}

	/** From a directory up, as they are counted now. */
	function addUpwards(from: FileId, amount: Below, sign: 1 | -1): void {
		for (let directory = known.get(from); directory; directory = known.get(directory.parent_id)) {
			directory.files += sign * amount.files
			directory.bytes += sign * amount.bytes
			directory.directories += sign * amount.directories
			directory.isChanged = true
		}
	}

	function detach(directory: Directory): void {
		addUpwards(directory.parent_id, withItself(directory), -1)
		directory.parent_id = NOWHERE
		directory.isChanged = true
	}

	/** Nothing is put below itself: what should be is looked at again, when what moved out of the way before has been. */
	function attach(directory: Directory, parent: FileId): void {
		if (!known.has(parent)) return
		if (isAbove(directory.id, parent)) return void unplaced.push(directory.id)
		directory.parent_id = parent
		directory.isChanged = true
		addUpwards(parent, withItself(directory), 1)
	}

	function isAbove(id: FileId, from: FileId): boolean {
		for (let directory = known.get(from); directory; directory = known.get(directory.parent_id)) if (directory.id === id) return true
		return false
	}

	function putRight(): void {
		const moving = [...known.values()].filter(({ id, wanted, parent_id }) => isGone(id) || (wanted !== undefined && wanted !== parent_id))
		for (const directory of moving) if (directory.parent_id !== NOWHERE) detach(directory)
		for (const [id, amount] of amounts) addUpwards(id, amount, 1)
		for (const { id, wanted } of moving) if (wanted !== undefined && wanted !== NOWHERE) attach(known.get(id) as Directory, wanted)
	}

	return {
		place: (id, parent) => void places.set(id, parent),
		add(id, { files, bytes, directories: many }) {
			const amount = amounts.get(id) ?? { files: 0, bytes: 0, directories: 0 }
			amounts.set(id, { files: amount.files + files, bytes: amount.bytes + bytes, directories: amount.directories + many })
		},
		unplaced,
		*finish(tx) {
			yield* load(tx, [...places.keys(), ...[...places.values()].filter((id) => id !== undefined), ...amounts.keys()])
			for (const [id, parent] of places) {
				const directory = known.get(id)
				if (directory) directory.wanted = parent
			}
			putRight()
			const gone = [...places.keys()].filter(isGone)
			const changed = [...known.values()].filter(({ id, isNew, isChanged }) => (isNew || isChanged) && !isGone(id))
			directories.remove(tx, [...gone, ...changed.filter(({ isNew }) => !isNew).map(({ id }) => id)])
			directories.insert(tx, changed)
		},
	}
}

function newDirectory(id: FileId, wanted: FileId): Directory {
	return { id, parent_id: NOWHERE, files: 0, bytes: 0, directories: 0, wanted, isNew: true, isChanged: false }
}

function withItself({ files, bytes, directories: many }: Below): Below {
	return { files, bytes, directories: many + 1 }
}
