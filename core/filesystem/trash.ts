/**
 * Keeping what is removed. Where its class or the mount asks for it, the removal of a file's last name is a rename below
 * `/.trash`, with all that a rename is: one transaction, intents for the nodes, the file itself untouched.
 */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import { now, type Time } from '../clock.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import { joinPath } from './directories.ts'
import { checkExpected, type Expected } from './expected.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { type Place, readPlace, type Situation } from './names.ts'
import { enterWay, findWay, type Way } from './trash-way.ts'
import { dayOf, type Folder, folderName, isInTrash, looksNumbered, numbered } from './trash-paths.ts'

/** Whether anything is kept at all: asked at every removal. */
export function keepsRemoved(fs: Filesystem): boolean {
	const { trashDays } = fs.config.mount
	return trashDays > 0 || (trashDays < 0 && fs.classes.some((rule) => rule.trash > 0))
}

/** False when the file is not one that is kept: nothing was done. */
export function* moveToTrash(fs: Filesystem, place: Place, expected: Expected): Op<boolean> {
	// Mostly known, and then a transaction is spared.
	if (isInTrash(yield* fs.directories.path(fs.catalogue, place.parent))) return false
	const time = now()
	const token = fs.nextToken++
	const turn = fs.touched.begin(place.parent)
	const ids: FileId[] = []
	for (;;) {
		const entered = yield* wait(transact(fs, (tx) => enter(fs, tx, { place, expected, time, token, ids })))
		if (entered === undefined) return false
		if ('missing' in entered) {
			while (ids.length < entered.missing) ids.push(yield* fs.ids.next())
			continue
		}
		forget(fs, entered)
		fs.touched.keep(turn, entered.directory, time)
		tellDoor(fs, entered)
		yield* carryOutAfterwards(fs, entered.made)
		return true
	}
}

interface Entry {
	place: Place
	expected: Expected
	time: Time
	token: number
	/** For directories to be made: numbers cannot be drawn inside a transaction. */
	ids: readonly FileId[]
}

interface Entered {
	/** It was in. */
	directory: FileRow
	row: FileRow
	to: Place
	way: Way
	made: Intent[]
}

function* enter(fs: Filesystem, tx: Transaction, { place, expected, time, token, ids }: Entry): Op<Entered | { missing: number } | undefined> {
	const situation = yield* readPlace(fs, tx, place)
	const folder = yield* folderOf(fs, tx, situation)
	if (!folder) return undefined
	const row = situation.existing as FileRow
	const from = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
	if (isInTrash(from)) return undefined
	const { formerly } = expected
	const named = formerly?.id === row.id ? formerly.place : place
	const way = yield* findWay(fs, tx, { folder: folderName(folder), directory: named.parent, formerly })
	if (way.missing.length > ids.length) return { missing: way.missing.length }
	// Not before it is certain that it happens here: what is asked may write.
	yield* checkExpected(tx, row, expected)
	const parent = enterWay(fs, tx, way, ids, time)
	const to = { parent, name: yield* freeName(tx, parent, named, row) }
	const made = yield* intend(fs, tx, yield* renames(tx, { row, from, to: joinPath(way.path, to.name), token }), situation.standing)
	entries.move(tx, place, to)
	files.touchDirectory(tx, place.parent, time)
	files.touchDirectory(tx, to.parent, time)
	files.changeLinks(tx, row.id, 0, time)
	const detail = changes.placeDetail(to.parent, to.name)
	changes.insert(tx, fs.client, { op: 'rename', parent: place.parent, name: place.name, file: row.id, detail }, fs.capabilities)
	return { directory: situation.directory, row, to, way, made }
}

/** Undefined of what is not kept: other kinds, files with a name left, files nobody has ever closed or synced. */
function* folderOf(fs: Filesystem, tx: Transaction, { existing }: Situation): Op<Folder | undefined> {
	if (!existing || (existing.kind !== KIND.regular && existing.kind !== KIND.symlink)) return undefined
	if (existing.nlink > 1 || existing.version === 0) return undefined
	const { trashDays } = fs.config.mount
	if (trashDays <= 0 && classById(fs, existing.class_id).trash === 0) return undefined
	// The catalogue's clock and not this machine's: the one the age is reckoned by.
	const clock = yield* wait(tx.get<{ now: number }>(`SELECT ${fs.capabilities.now} AS now`))
	return { day: dayOf(clock?.now ?? 0), keepDays: trashDays > 0 ? trashDays : undefined }
}

function* freeName(tx: Transaction, parent: FileId, { name }: Place, row: FileRow): Op<Buffer> {
	if (looksNumbered(name)) return numbered(name, row.id)
	const [[taken]] = yield* wait(tx.read(entries.lookupQuery(parent, name)))
	return taken ? numbered(name, row.id) : name
}

function* renames(tx: Transaction, { row, from, to, token }: { row: FileRow; from: Path; to: Path; token: number }): Op<Intent[]> {
	const [copies] = (yield* wait(tx.read(replicas.ofFileQuery(row.id)))) as [ReplicaRow[]]
	return copies.map((copy) => ({ nodeId: copy.node_id, op: 'rename', path: from, toPath: to, fileId: row.id, token }))
}

function forget(fs: Filesystem, { directory, row, to, way }: Entered): void {
	for (const id of [directory.id, to.parent, way.found]) fs.readAhead.forgetDirectory(id)
	fs.readAhead.forgetFile(row.id)
	for (const id of [row.id, to.parent, way.found]) fs.touched.forget(id)
}

/** Whoever asked for a removal knows nothing of the names that came by it: to its kernel it is as if another client had made them. */
function tellDoor(fs: Filesystem, { row, to, way }: Entered): void {
	const tell = (parent: FileId, name: Buffer | Uint8Array) =>
		fs.onChange({ seq: 0, client_id: fs.client, op: 'mkdir', parent_id: parent, name, file_id: null, detail: null })
	if (way.missing.length > 0) tell(way.found, way.missing[0].name)
	else tell(to.parent, to.name)
	fs.onChange({ seq: 0, client_id: fs.client, op: 'attributes', parent_id: null, name: null, file_id: row.id, detail: null })
}
