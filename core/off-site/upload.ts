/** What a site sends back, in parts: put together in the tree, so that any door can take the next part. */
import { createHash } from 'node:crypto'
import type { OrderRow } from '../catalogue/backup-orders.ts'
import * as orders from '../catalogue/backup-orders.ts'
import * as entries from '../catalogue/entries.ts'
import type { FileRow } from '../catalogue/files.ts'
import { codeOf } from '../errors.ts'
import { create, makeDirectory } from '../filesystem/create.ts'
import { setAttributes } from '../filesystem/attributes.ts'
import { read, write } from '../filesystem/data.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { Place } from '../filesystem/names.ts'
import { open } from '../filesystem/open.ts'
import type { OpenFile } from '../filesystem/open-files.ts'
import { release, sync } from '../filesystem/publish.ts'
import { removeDirectory, unlink } from '../filesystem/remove.ts'
import { SCRATCH } from '../filesystem/scratch.ts'
import { ROOT_ID } from '../ids.ts'
import { type Op, run, wait } from '../op.ts'
import { type Digest, knownDigest } from './known-digest.ts'

const CHUNK_BYTES = 1_048_576
const PRIVATE = { mode: 0o600, uid: 0, gid: 0 }
const PRIVATE_DIRECTORY = { mode: 0o700, uid: 0, gid: 0 }

export type Taken = { offset: number; done: boolean } | { wrongOffset: number } | { wrongHash: true }

/** One part of one order at a time: two of them would find the same end. */
const underWay = new Map<number, Promise<unknown>>()

export async function takePart(fs: Filesystem, order: OrderRow, offset: number, bytes: Buffer): Promise<Taken> {
	const before = underWay.get(order.id)
	const turn = (before ?? Promise.resolve()).catch(() => undefined).then(() => takePartNow(fs, order, offset, bytes))
	underWay.set(order.id, turn)
	try {
		return await turn
	} finally {
		if (underWay.get(order.id) === turn) underWay.delete(order.id)
	}
}

async function takePartNow(fs: Filesystem, order: OrderRow, offset: number, bytes: Buffer): Promise<Taken> {
	// Numbers are given again: what lies there may be of an order that was taken back.
	const file = await run(openScratch(fs, order.id, offset === 0 && order.received === 0))
	try {
		const has = (await run(wait(file.node.operations.fstat(file.fd)))).size
		if (offset !== has || has + bytes.length > order.size) return { wrongOffset: has }
		if (bytes.length > 0) await run(write(fs, file, bytes, offset, true))
		await run(sync(fs, file, false))
		const received = offset + bytes.length
		await orders.setReceived(fs.catalogue, order.id, received)
		if (received < order.size) return { offset: received, done: false }
		const known = await run(knownDigest(fs, order))
		if (!known || (await digestOf(fs, file, known.algorithm)).equals(known.bytes)) return { offset: received, done: true }
		await run(setAttributes(fs, file.id, { size: 0 }, file))
		await orders.setReceived(fs.catalogue, order.id, 0)
		return { wrongHash: true }
	} finally {
		await run(release(fs, file, true))
	}
}

async function digestOf(fs: Filesystem, file: OpenFile, algorithm: Digest['algorithm']): Promise<Buffer> {
	const hash = createHash(algorithm)
	const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
	for (let at = 0; ; ) {
		const bytes = await run(read(fs, file, chunk, at))
		if (bytes === 0) return hash.digest()
		hash.update(chunk.subarray(0, bytes))
		at += bytes
		await new Promise(setImmediate)
	}
}

function* scratchDirectory(fs: Filesystem): Op<FileRow | undefined> {
	return yield* wait(entries.lookup(fs.catalogue, ROOT_ID, SCRATCH))
}

function nameOf(order: number): Buffer {
	return Buffer.from(String(order))
}

function* openScratch(fs: Filesystem, order: number, truncate: boolean): Op<OpenFile> {
	const parent = (yield* scratchDirectory(fs))?.id ?? (yield* makeScratch(fs))
	const made = yield* create(fs, { parent, name: nameOf(order) }, PRIVATE, false)
	return 'open' in made ? made.open : yield* open(fs, made.existing.id, { write: true, truncate })
}

function* makeScratch(fs: Filesystem): Op<number> {
	try {
		return (yield* makeDirectory(fs, { parent: ROOT_ID, name: SCRATCH }, PRIVATE_DIRECTORY)).id
	} catch (error) {
		const there = codeOf(error) === 'EEXIST' ? yield* scratchDirectory(fs) : undefined
		if (!there) throw error
		return there.id
	}
}

/** Where an order's bytes are; undefined where there are none. */
export function* findScratch(fs: Filesystem, order: number): Op<{ place: Place; row: FileRow } | undefined> {
	const directory = yield* scratchDirectory(fs)
	if (!directory) return undefined
	const place = { parent: directory.id, name: nameOf(order) }
	const row = yield* wait(entries.lookup(fs.catalogue, place.parent, place.name))
	return row && { place, row }
}

/** The bytes of an order, and the directory with the last of them. */
export function* dropScratch(fs: Filesystem, order: number): Op<void> {
	const found = yield* findScratch(fs, order)
	if (found) yield* unlink(fs, found.place)
	yield* dropScratchDirectory(fs)
}

const NAMES_AT_ONCE = 1_000
const NUMBER = /^\d+$/

/** The bytes of orders that were taken back, or went with their site or with a lost catalogue. */
export function* dropForgotten(fs: Filesystem): Op<void> {
	const directory = yield* scratchDirectory(fs)
	if (!directory) return
	for (let after: Uint8Array = Buffer.alloc(0); ; ) {
		const [names] = (yield* wait(fs.catalogue.read(entries.listNamesQuery(directory.id, after, NAMES_AT_ONCE)))) as [Array<{ name: Uint8Array }>]
		if (names.length === 0) break
		after = names[names.length - 1].name
		const numbers = names.map(({ name }) => Buffer.from(name).toString('latin1')).filter((text) => NUMBER.test(text)).map(Number)
		const kept = new Set(((yield* wait(fs.catalogue.read(...orders.keepingQueries(numbers)))).flat() as Array<{ id: number }>).map(({ id }) => id))
		for (const number of numbers) if (!kept.has(number)) yield* dropScratch(fs, number)
	}
}

export function* dropScratchDirectory(fs: Filesystem): Op<void> {
	try {
		yield* removeDirectory(fs, { parent: ROOT_ID, name: SCRATCH })
	} catch (error) {
		if (!['ENOTEMPTY', 'ENOENT'].includes(codeOf(error))) throw error
	}
}
