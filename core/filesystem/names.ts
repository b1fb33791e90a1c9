/** What every operation on a name checks first, and the rows it starts from. */
import * as entries from '../catalogue/entries.ts'
import type { Query, Transaction } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as files from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import { fail } from '../errors.ts'
import { type FileId, type Name, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { isFollowed } from './behind.ts'
import type { Filesystem } from './filesystem.ts'

export const NAME_BYTES_MAX = 255

/** Before anything else: the kernel lets FUSE names of up to 1024 bytes through. */
export function checkName(name: Name): void {
	if (name.length > NAME_BYTES_MAX) fail('ENAMETOOLONG')
}

export interface Place {
	parent: FileId
	name: Name
}

const OWN = Buffer.from('.cairn')

/** What a name is to be given to or taken from. On a node `.cairn` is where what is no part of the tree is kept. */
export function checkPlace({ parent, name }: Place): void {
	checkName(name)
	if (parent === ROOT_ID && name.equals(OWN)) fail('EACCES', "'.cairn' is not part of the tree")
}

export interface Situation {
	directory: FileRow
	existing: FileRow | undefined
	/** Intents stand, on whatever. */
	standing: boolean
}

/** The directory, locked, and what the name leads to. */
export function* readPlace(fs: Filesystem, tx: Transaction, place: Place): Op<Situation> {
	const { directories, existing, standing } = yield* readPlaces(fs, tx, [place.parent], [place])
	return { directory: directories[0], existing: existing[0], standing }
}

interface Situations {
	directories: FileRow[]
	/** Name by name. */
	existing: Array<FileRow | undefined>
	standing: boolean
}

/** Directories, locked in this order, and what names lead to. What was seen here and nobody has changed since is not asked for. */
export function* readPlaces(fs: Filesystem, tx: Transaction, parents: readonly FileId[], places: readonly Place[]): Op<Situations> {
	const { forUpdate, synchronous } = fs.capabilities
	const isCertain = synchronous && isFollowed(fs)
	const known = isCertain ? parents.map((id) => fs.touched.get(id)) : []
	const absent = isCertain ? places.findIndex((place) => isAbsent(fs, place)) : -1
	const queries: Query[] = []
	for (const [index, id] of parents.entries()) if (!known[index]) queries.push(files.findQuery(id, forUpdate))
	for (const [index, { parent, name }] of places.entries()) if (index !== absent) queries.push(entries.lookupQuery(parent, name, forUpdate))
	const answers = (yield* wait(tx.read(...queries, intents.anyQuery()))) as FileRow[][]
	let next = 0
	const directories = parents.map((_, index) => checkDirectory(known[index] ?? answers[next++][0]))
	const existing = places.map((_, index) => (index === absent ? undefined : answers[next++][0]))
	return { directories, existing, standing: answers[next].length > 0 }
}

/** It was looked up right before this transaction. */
function isAbsent({ absent, transactions }: Filesystem, { parent, name }: Place): boolean {
	return absent !== undefined && absent.transactions === transactions - 1 && absent.place.parent === parent && absent.place.name.equals(name)
}

export function checkDirectory(row: FileRow | undefined): FileRow {
	if (!row) return fail('ENOENT')
	if (row.kind !== KIND.directory) return fail('ENOTDIR')
	return row
}
