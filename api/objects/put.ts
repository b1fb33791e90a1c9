/** An upload becomes the object of an id: a file at a readable path, and the row of the id in the same transaction. */
import * as objects from '../../core/catalogue/objects.ts'

import type { Transaction } from '../../core/catalogue/driver.ts'
import { FLAG_IS_OBJECT, type FileRow } from '../../core/catalogue/files.ts'
import type { Check } from '../../core/filesystem/expected.ts'
import * as reservations from '../../core/catalogue/object-reservations.ts'
import type { Reservation } from '../../core/catalogue/object-reservations.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { makePath } from '../../core/filesystem/make-path.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { store, type StoreOptions, storeWhole } from '../../core/filesystem/store.ts'
import type { Intake, Stored } from '../../core/filesystem/upload.ts'
import { codeOf } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { type Op, run, wait } from '../../core/op.ts'
import { HttpError } from '../errors.ts'
import { crc32c } from './crc32c.ts'
import type { Fid } from './fid.ts'
import type { FoundFile } from './find.ts'
import type { Gateway } from './gateway.ts'
import { type Incoming, tooLarge } from './incoming.ts'
import { monthOf, nameOf } from './place.ts'

export interface Target {
	fid: Fid
	collection: string
	zone: string
	/** 0: for ever. */
	lastsSeconds: number
	/** What is replaced; undefined where it is the first upload. */
	file: FoundFile | undefined
	reservation: Reservation | undefined
}

export interface Put {
	row: FileRow
	crc: number
	md5: string | undefined
}

export async function put(gateway: Gateway, target: Target, incoming: Incoming, { announced, modifiedSeconds, extension, holds, condition }: Said): Promise<Put> {
	const { objectBytesMax, fileMode, uid, gid } = gateway.config.api
	const bytes = incoming.packed ? undefined : announced
	const { place, path } = target.file ?? (await run(newPlace(gateway, target, { name: incoming.name, extension })))
	const intake = { place, path, attributes: { mode: fileMode, uid, gid }, zone: target.zone || undefined, bytes, besides: incoming.md5 === undefined ? [] : (['md5'] as const) }
	const sum = { crc: 0 }
	const options: StoreOptions = {
		bytesMax: objectBytesMax,
		modified: modifiedSeconds === undefined ? undefined : { s: modifiedSeconds, ns: 0 },
		flags: FLAG_IS_OBJECT,
		isFree: target.file === undefined,
		verify: ({ md5 }) => checkMd5(incoming, md5),
		*check(tx, current) {
			if (holds) yield* holds(tx)
			yield* checkStill(tx, target, current)
			if (condition) yield* condition(tx, current)
		},
		also: (tx, row) => enter(gateway, tx, target, incoming, row, sum.crc),
	}
	const stored = await take(gateway, intake, incoming, sum, options).catch((error: unknown) => {
		if (codeOf(error) === 'EFBIG') throw tooLarge(objectBytesMax)
		if (codeOf(error) !== 'ENOENT') throw error
		// Somebody removed the directory in this moment. The content has passed; the next attempt makes a new one.
		last.delete(gateway.fs)
		throw new HttpError(503, 'the directory it was to be in was removed meanwhile', { 'retry-after': '1' })
	})
	return { row: stored.row, crc: sum.crc, md5: stored.md5?.toString('base64') }
}

export interface Said {
	/** Of the request: that of the content, or a little more. */
	announced: number | undefined
	modifiedSeconds: number | undefined
	extension: string
	/** Asked in the transaction: whether whoever puts it still may. */
	holds?: (tx: Transaction) => Op<void>
	/** Likewise: what the request says of what is there. */
	condition?: Check
}

/** What is at hand need not be written in steps. */
async function take({ fs }: Gateway, intake: Intake, { content }: Incoming, sum: { crc: number }, options: StoreOptions): Promise<Stored> {
	if (!Buffer.isBuffer(content)) return await store(fs, intake, summed(content, sum), options)
	sum.crc = crc32c(content)
	return await run(storeWhole(fs, intake, content, options))
}

async function* summed(content: AsyncIterable<Uint8Array>, sum: { crc: number }): AsyncGenerator<Uint8Array> {
	for await (const part of content) {
		sum.crc = crc32c(part, sum.crc)
		yield part
	}
}

function* newPlace({ fs, config }: Gateway, { fid, collection }: Target, said: { name: string; extension: string }): Op<{ place: Place; path: Path }> {
	const { directoryMode: mode, uid, gid } = config.api
	const names = monthOf(collection, new Date())
	const path = Buffer.from(names.join('/'))
	const parent = (yield* stillThere(fs, path)) ?? (yield* makePath(fs, names, { mode, uid, gid }))
	remember(fs, path, parent)
	const name = nameOf(fid.key, said)
	return { place: { parent, name }, path: joinPath(path, name) }
}

/** Where the last upload went; it is mostly where the next one goes too. */
const last = new WeakMap<Filesystem, { path: Path; id: FileId }>()

function remember(fs: Filesystem, path: Path, id: FileId): void {
	last.set(fs, { path, id })
}

/** Undefined when it is another directory, or is not where it was. */
function* stillThere(fs: Filesystem, path: Path): Op<FileId | undefined> {
	const known = last.get(fs)
	if (!known?.path.equals(path)) return undefined
	try {
		return (yield* fs.directories.path(fs.catalogue, known.id)).equals(path) ? known.id : undefined
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return undefined
	}
}

function checkMd5({ md5: said }: Incoming, md5: Buffer | undefined): void {
	if (said !== undefined && said !== md5?.toString('base64')) throw new HttpError(400, 'Content-MD5 is not that of the content')
}

/** Somebody else may have uploaded to it, moved or removed it, while this came; `current` has its place. */
function* checkStill(tx: Transaction, { fid, file }: Target, current: FileRow | undefined): Op<void> {
	const row = yield* wait(tx.get<{ file_id: number }>('SELECT file_id FROM object WHERE id = ?', [fid.key]))
	if (row?.file_id !== file?.row.id || current?.id !== file?.row.id) throw new HttpError(409, 'somebody else has changed this object meanwhile')
}

function enter({ fs }: Gateway, tx: Transaction, target: Target, { name, mime, headers }: Incoming, row: FileRow, crc: number): void {
	const { fid, lastsSeconds, reservation } = target
	const common = { id: fid.key, volume_id: fid.volume, cookie: fid.cookie, file_id: row.id, version: row.version, crc }
	const object = { ...common, name, mime, headers: Object.keys(headers).length === 0 ? '' : JSON.stringify(headers) }
	objects.set(tx, object, lastsSeconds, fs.capabilities)
	if (reservation) reservations.used(tx, reservation)
}

