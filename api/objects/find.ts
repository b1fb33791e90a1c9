/** What an id means now: an object with its file, or a key that was given out and waits for its upload. */
import * as entries from '../../core/catalogue/entries.ts'
import * as reservations from '../../core/catalogue/object-reservations.ts'
import type { Reservation } from '../../core/catalogue/object-reservations.ts'
import * as objects from '../../core/catalogue/objects.ts'
import type { FoundObject } from '../../core/catalogue/objects.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { isInTrash } from '../../core/filesystem/trash-paths.ts'
import type { Path } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Fid } from './fid.ts'

export interface FoundFile {
	row: FoundObject
	place: Place
	path: Path
}

/** Undefined: there is nothing, its time is over, or it was removed. Whether volume and cookie are right is for the caller to see. */
export function* findObject(fs: Filesystem, { key }: Fid): Op<FoundFile | undefined> {
	const [[row]] = (yield* wait(fs.catalogue.read(objects.findQuery(key, fs.capabilities)))) as [FoundObject[]]
	return row && (yield* located(fs, row))
}

/** The reservation first: the upload that uses it up makes the object with the same commit, and either is seen then. */
export function* findToWrite(fs: Filesystem, { key }: Fid): Op<{ file: FoundFile | undefined; reservation: Reservation | undefined }> {
	const [[reservation], [row]] = (yield* wait(
		fs.catalogue.read(reservations.nearestQuery(key, fs.capabilities), objects.findQuery(key, fs.capabilities)),
	)) as [Reservation[], FoundObject[]]
	return { file: row && (yield* located(fs, row)), reservation: reservation && key < reservation.id + reservation.count ? reservation : undefined }
}

function* located(fs: Filesystem, row: FoundObject): Op<FoundFile | undefined> {
	if (row.expired) return undefined
	const [entry] = yield* wait(entries.namesOf(fs.catalogue, row.id, 1))
	if (!entry) return yield* locatedNow(fs, row)
	const place = { parent: entry.parent_id, name: Buffer.from(entry.name) }
	const path = joinPath(yield* fs.directories.path(fs.catalogue, place.parent), place.name)
	return isInTrash(path) ? undefined : { row, place, path }
}

/** A file that has no name any more: other content may have taken its place, and is what the id means now. */
function* locatedNow(fs: Filesystem, { id, key }: FoundObject): Op<FoundFile | undefined> {
	const [[row]] = (yield* wait(fs.catalogue.read(objects.findQuery(key, fs.capabilities)))) as [FoundObject[]]
	return row && row.id !== id ? yield* located(fs, row) : undefined
}

export function isMeant({ volume, cookie }: Fid, row: { volume_id: number; cookie: number }): boolean {
	return row.volume_id === volume && row.cookie === cookie
}
