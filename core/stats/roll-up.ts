/**
 * Counting anew what changed. A batch is one transaction: the files that lines of the journal are about, and the oldest touched ones,
 * are looked at as they are now; what they were last counted as is taken off every figure, what they are is put on; how far the
 * journal was read is written down, and they are touched no longer. Whoever is killed in between has done nothing; of a file that
 * changes meanwhile another line comes.
 */
import { isHeld } from '../catalogue/backups.ts'
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import { hasCopies } from '../catalogue/holdings.ts'
import { KIND } from '../catalogue/files.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import * as figures from '../catalogue/stat-figures.ts'
import type { CountedChange } from '../catalogue/stat-days.ts'
import type { CountedFile, PresentBackup, PresentCopy, PresentFile, PresentPlace } from '../catalogue/stat-files.ts'
import * as statFiles from '../catalogue/stat-files.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { isScratch } from '../filesystem/scratch.ts'
import { isInTrash } from '../filesystem/trash-paths.ts'
import { type FileId, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { createTally, type Tally } from './tally.ts'
import { createTree, type Tree } from './tree.ts'

/** A few milliseconds of the database's write lock. */
const BATCH_FILES = 256
/** They change nothing that is counted. */
const OF_NO_FIGURE = new Set(['attributes', 'xattr'])

export interface RolledUp {
	/** That were looked at. */
	files: number
	/** There may be more that is touched. */
	isFull: boolean
}

export function* rollUp(tx: Transaction, lines: readonly CountedChange[], capabilities: Capabilities): Op<RolledUp> {
	const rows = yield* wait(touched.oldest(tx, BATCH_FILES))
	const told = lines.flatMap(({ op, file_id }) => (file_id === null || OF_NO_FIGURE.has(op) ? [] : [file_id]))
	const ids = [...new Set([...told, ...rows.map((row) => row.file_id)])]
	if (ids.length === 0) return { files: 0, isFull: false }
	const present = yield* look(tx, ids)
	const tally = createTally()
	const tree = createTree()
	const changed: CountedFile[] = []
	const outdated: FileId[] = []
	for (const id of ids) {
		const before = present.counted.get(id)
		const file = present.files.get(id)
		if (id === ROOT_ID || file?.kind === KIND.directory || (!file && !before)) tree.place(id, parentOf(id, present))
		const after = file && file.kind !== KIND.directory ? countedAs(file, present) : undefined
		if (isSame(before, after)) continue
		if (before) outdated.push(id)
		if (after) changed.push(after)
		account(tally, tree, before, -1)
		account(tally, tree, after, 1)
	}
	statFiles.remove(tx, outdated)
	statFiles.insert(tx, changed)
	yield* tree.finish(tx)
	tally.write(tx, capabilities)
	touched.remove(tx, rows.map((row) => row.id))
	for (const id of tree.unplaced) touched.add(tx, id)
	return { files: ids.length, isFull: rows.length === BATCH_FILES || tree.unplaced.length > 0 }
}

interface Present {
	files: Map<FileId, PresentFile>
	copies: Map<FileId, PresentCopy[]>
	parents: Map<FileId, FileId>
	counted: Map<FileId, CountedFile>
	backups: Map<FileId, PresentBackup[]>
	/** Directories from which nothing is fetched, as far as it matters. */
	unfetched: Set<FileId>
}

function* look(tx: Transaction, ids: readonly FileId[]): Op<Present> {
	const rows = yield* lookAtRows(tx, ids)
	return { ...rows, unfetched: yield* unfetchedOf(tx, rows) }
}

function* lookAtRows(tx: Transaction, ids: readonly FileId[]): Op<Omit<Present, 'unfetched'>> {
	const queries = [
		statFiles.presentQueries(ids), statFiles.copiesQueries(ids), statFiles.placesQueries(ids), statFiles.countedQueries(ids), statFiles.backupsQueries(ids),
	]
	const answers = yield* wait(tx.read(...queries.flat()))
	const of = <T>(which: number): T[] => {
		const from = queries.slice(0, which).reduce((many, list) => many + list.length, 0)
		return answers.slice(from, from + queries[which].length).flat() as T[]
	}
	return {
		files: new Map(of<PresentFile>(0).map((row) => [row.id, row])),
		copies: Map.groupBy(of<PresentCopy>(1), (row) => row.file_id),
		parents: new Map(of<PresentPlace>(2).map((row) => [row.file_id, row.parent_id])),
		counted: new Map(of<CountedFile>(3).map((row) => [row.file_id, row])),
		backups: Map.groupBy(of<PresentBackup>(4), (row) => row.file_id),
	}
}

/** The trash, and what is being put together. It is asked only where sites lack something, which then waits for none. */
function* unfetchedOf(tx: Transaction, { files, parents, backups }: Omit<Present, 'unfetched'>): Op<Set<FileId>> {
	const isLacking = (file: PresentFile) => file.kind === KIND.regular && (backups.get(file.id) ?? []).filter((row) => isHeld({ state: stateOf(row, file) })).length < file.offsite
	const above = [...new Set([...files.values()].filter(isLacking).flatMap(({ id }) => parents.get(id) ?? []))].filter((id) => id !== ROOT_ID)
	if (above.length === 0) return new Set()
	const chains = (yield* wait(tx.read(...above.map(entries.chainQuery)))) as entries.ChainRow[][]
	return new Set(above.filter((_, index) => {
		const top = Buffer.from(chains[index].at(-1)?.name ?? '')
		return isInTrash(top) || isScratch(top)
	}))
}

/** Undefined: the directory is gone, if it ever was one. 0: it is nowhere, as the root is. */
function parentOf(id: FileId, { files, parents }: Present): FileId | undefined {
	if (id === ROOT_ID) return 0
	return files.has(id) ? (parents.get(id) ?? 0) : undefined
}

function countedAs(file: PresentFile, { copies, parents, backups, unfetched }: Present): CountedFile {
	const own = copies.get(file.id) ?? []
	const elsewhere = (backups.get(file.id) ?? []).map((backup) => ({ site: backup.site_id, state: stateOf(backup, file) }))
	const isGood = ({ version, state }: PresentCopy) => version === file.version && (state === REPLICA.good || state === REPLICA.surplus)
	const parent = parents.get(file.id) ?? 0
	return {
		file_id: file.id,
		parent_id: parent,
		class_id: file.class_id,
		copies: hasCopies(file) ? own.filter(isGood).length : statFiles.NO_COPIES,
		size: file.kind === KIND.regular ? file.size : 0,
		held: own.map(({ node_id, state }) => `${node_id}:${state}`).join(' '),
		sites: file.kind === KIND.regular && !unfetched.has(parent) ? elsewhere.filter(isHeld).length : statFiles.NO_SITES,
		elsewhere: elsewhere.map(({ site, state }) => `${site}:${state}`).join(' '),
	}
}

/** Where the site has not heard yet that the file is another, what it holds is of no use. */
function stateOf(backup: PresentBackup, { version }: PresentFile): number {
	return isHeld(backup) && backup.version !== version ? figures.OUTDATED : backup.state
}

const FIELDS = ['parent_id', 'class_id', 'copies', 'size', 'held', 'sites', 'elsewhere'] as const

function isSame(a: CountedFile | undefined, b: CountedFile | undefined): boolean {
	return a === b || (a !== undefined && b !== undefined && FIELDS.every((field) => a[field] === b[field]))
}

function account(tally: Tally, tree: Tree, file: CountedFile | undefined, sign: 1 | -1): void {
	if (!file) return
	tally.add(file, sign)
	tree.add(file.parent_id, { files: sign, bytes: sign * file.size, directories: 0 })
}
