/**
 * One file copied from one tree to a place in another that no name leads to. The same body on a thread, where every answer is
 * there at once, and on the main thread for what is reached over a network.
 */
import { createHash, hash as hashOf } from 'node:crypto'
import { constants } from 'node:fs'
import { codeOf, Errno, fail } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Attributes, NodeOperations, Stat } from '../../core/nodes/node.ts'
import { isSameContent } from '../../core/nodes/stat.ts'
import { isPromise, type Maybe, type Op, wait } from '../../core/op.ts'
import { DIRECT_UNIT_BYTES } from './direct.ts'
import { RESUMED_BYTES_MIN } from './incoming.ts'

/** What a source has to be able to do. One that cannot tell holes leaves `seek` out. */
export type Readable = Pick<NodeOperations, 'open' | 'close' | 'fstat' | 'read'> & Partial<Pick<NodeOperations, 'seek'>>

export interface Order {
	from: Path
	aside: Path
	/** As many more names of the copy, beside it. */
	further: Path[]
	/** Where it is to come, when nothing should be there yet: it is looked whether something is. */
	to: Path[]
	size: number
	/** It has holes: they stay holes. */
	isSparse: boolean
	attributes: Attributes & { mode: number; uid: number; gid: number }
	/** `aside` has its beginning already. */
	isBegun: boolean
	/** It reaches the disk before the copy is said to be made; otherwise whoever asked sees to that. */
	isSynced: boolean
}

export interface Copied {
	/** SHA-256 in hexadecimal digits. */
	hash: string
	ino: number
	/** Something stands where it is to come. */
	isOccupied: boolean
}

/** SHA-256 of bytes as they come. */
export interface Hasher {
	update(bytes: Uint8Array): void
	/** In hexadecimal digits. */
	digest(): Maybe<string>
}

export interface Conditions {
	/** A piece is as large as this at most. It may be another after each `pace`. */
	readonly buffer: Uint8Array
	/** By default it is hashed on the way. */
	newHash?(): Hasher
	/**
	 * From now on what is written goes straight to the disk, or no more: whether it does. The buffer is as the disk wants it. Left
	 * out where that is not to be had.
	 */
	direct?(fd: number, isWanted: boolean): boolean
	/** Before each piece. Throws ECANCELED where the copy is to stop; what is there of it then stays. */
	pace(bytes: number): Maybe<void>
	/** After each piece. */
	written(fd: number, position: number, bytes: number): Maybe<void>
}

export type Side = 'source' | 'target'

export const PIECE_BYTES = 1024 ** 2
/** Of a smaller one the disk may think a while. */
export const DIRECT_BYTES_MIN = 16 * 1024 ** 2
const SEEK_DATA = 3
const SEEK_HOLE = 4
const BLOCK_BYTES = 512
/** What is not known as a hole is one when it is this many zeros. */
const ZEROS_BYTES = 64 * 1024
const OWN_DIRECTORY_MODE = 0o700
const zeros = new Uint8Array(PIECE_BYTES)

export function* copyFile(from: Readable, to: NodeOperations, order: Order, conditions: Conditions): Op<Copied> {
	const input = yield* at('source', () => from.open(order.from, constants.O_RDONLY))
	try {
		const before = yield* at('source', () => from.fstat(input))
		if (before.size !== order.size)
			throw sided('source', new Errno('EBADMSG', `it has ${before.size} bytes instead of ${order.size}`))
		const output = yield* openAside(to, order)
		try {
			return yield* fill({ from, input, to, output, order, before, conditions })
		} catch (error) {
			if (!isWorthKeeping(order, error)) yield* discard(to, order)
			throw error
		} finally {
			yield* wait(to.close(output))
		}
	} finally {
		yield* wait(from.close(input))
	}
}

/** What there is of a large file serves whoever goes on with it, from this source or from another. */
function isWorthKeeping({ size }: Order, error: unknown): boolean {
	if (size < RESUMED_BYTES_MIN || codeOf(error) === 'EAGAIN') return false
	return codeOf(error) === 'ECANCELED' || sideOf(error) === 'source'
}

/** The error says on which side it was. */
export function sideOf(error: unknown): Side | undefined {
	return (error as { side?: Side }).side
}

export function sided(side: Side, error: Error): Error {
	return Object.assign(error, { side })
}

function* at<T>(side: Side, call: () => Maybe<T>): Op<T> {
	try {
		return yield* wait(call())
	} catch (error) {
		throw sided(side, error as Error)
	}
}

function* openAside(to: NodeOperations, { aside, attributes, isBegun }: Order): Op<number> {
	try {
		return yield* wait(isBegun ? to.open(aside, constants.O_RDWR) : to.create(aside, attributes))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw sided('target', error as Error)
	}
	yield* at('target', () => to.makeDirectory(aside.subarray(0, aside.lastIndexOf('/')), { mode: OWN_DIRECTORY_MODE }))
	return yield* at('target', () => to.create(aside, attributes))
}

export function* discard(to: NodeOperations, { aside, further }: Pick<Order, 'aside' | 'further'>): Op<void> {
	try {
		for (const path of [aside, ...further]) yield* wait(to.unlink(path))
	} catch {
		// Whoever begins the next run finds it there and removes it.
	}
}

interface Work {
	from: Readable
	input: number
	to: NodeOperations
	output: number
	order: Order
	before: Stat
	conditions: Conditions
}

function* fill(work: Work): Op<Copied> {
	const { from, input, to, output, order, before } = work
	const isSparse = order.isSparse || before.blocks * BLOCK_BYTES < before.size
	const isWhole = !isSparse && !order.isBegun && order.size <= work.conditions.buffer.length
	const hash = isWhole ? yield* copyWhole(work) : yield* copyPieces(work, isSparse)
	const after = yield* at('source', () => from.fstat(input))
	if (!isSameContent(before, after)) throw sided('source', new Errno('EAGAIN', 'it changed while it was copied'))
	const { atime, atimeNs, mtime, mtimeNs } = order.attributes
	yield* at('target', () => to.setFileAttributes(output, { atime, atimeNs, mtime, mtimeNs }))
	if (order.isSynced) yield* at('target', () => to.sync(output, false))
	for (const path of order.further) yield* at('target', () => to.link(order.aside, path))
	const { ino } = yield* at('target', () => to.fstat(output))
	let isOccupied = false
	for (const path of order.to) isOccupied ||= yield* isThere(to, path)
	return { hash, ino, isOccupied }
}

function* isThere(to: NodeOperations, path: Path): Op<boolean> {
	try {
		yield* wait(to.stat(path))
		return true
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return false
		// A file where a directory should be, or a symlink: in the way, whatever it is.
		if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP') return false
		throw sided('target', error as Error)
	}
}

function* copyWhole({ from, input, to, output, order, conditions }: Work): Op<string> {
	const piece = conditions.buffer.subarray(0, order.size)
	if (order.size > 0) {
		yield* wait(conditions.pace(order.size))
		yield* readFully(from, input, piece, 0)
		yield* writeFully(to, output, piece, 0)
		yield* at('target', () => conditions.written(output, 0, order.size))
	}
	return hashOf('sha256', piece, 'hex')
}

/** Straight to the disk, as long as it takes it; the rest as usual. */
function* writePiece({ to, output, conditions }: Work, piece: Uint8Array, position: number, isDirect: boolean): Op<boolean> {
	const { direct } = conditions
	if (direct === undefined || !isDirect) {
		yield* writeFully(to, output, piece, position)
		return false
	}
	if (piece.length % DIRECT_UNIT_BYTES === 0) {
		try {
			yield* writeFully(to, output, piece, position)
			return true
		} catch (error) {
			if (codeOf(error) !== 'EINVAL') throw error
		}
	}
	direct(output, false)
	yield* writeFully(to, output, piece, position)
	return false
}

/** Pieces of data in their order, holes in between: those are hashed as the zeros they read as. */
function* copyPieces(work: Work, isSparse: boolean): Op<string> {
	const { order, output, to, conditions } = work
	const hash = conditions.newHash?.() ?? hashHere()
	let position = order.isBegun ? yield* hashBegun(work, hash) : 0
	let isDirect = !isSparse && order.size >= DIRECT_BYTES_MIN && (conditions.direct?.(output, true) ?? false)
	while (position < order.size) {
		const data = isSparse ? yield* extentFrom(work, position) : { start: position, end: order.size }
		for (; position < data.start; ) position += hashZeros(hash, data.start - position)
		while (position < data.end) {
			const length = Math.min(conditions.buffer.length, data.end - position)
			yield* wait(conditions.pace(length))
			const piece = conditions.buffer.subarray(0, length)
			yield* readFully(work.from, work.input, piece, position)
			hash.update(piece)
			if (isSparse && work.from.seek === undefined) yield* writeData(to, output, piece, position)
			else isDirect = yield* writePiece(work, piece, position, isDirect)
			yield* at('target', () => conditions.written(output, position, piece.length))
			position += piece.length
		}
	}
	yield* at('target', () => to.truncate(output, order.size))
	return yield* wait(hash.digest())
}

function hashHere(): Hasher {
	const hash = createHash('sha256')
	return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

/** Where the copy goes on: what it has is read back for its hash. */
function* hashBegun({ to, output, order, conditions }: Work, hash: Hasher): Op<number> {
	const { size } = yield* at('target', () => to.fstat(output))
	const end = Math.min(size, order.size) - (Math.min(size, order.size) % PIECE_BYTES)
	for (let position = 0; position < end; position += PIECE_BYTES) {
		yield* wait(conditions.pace(0))
		const piece = conditions.buffer.subarray(0, PIECE_BYTES)
		const count = yield* at('target', () => to.read(output, piece, position))
		if (count < piece.length) throw sided('target', new Errno('EIO', 'what was copied before cannot be read'))
		hash.update(piece)
	}
	return end
}

interface Extent {
	start: number
	end: number
}

function* extentFrom({ from, input, order }: Work, position: number): Op<Extent> {
	const { seek } = from
	if (seek === undefined) return { start: position, end: order.size }
	const start = yield* at('source', () => orAtEnd(() => seek(input, position, SEEK_DATA), order.size))
	if (start >= order.size) return { start: order.size, end: order.size }
	const end = yield* at('source', () => seek(input, start, SEEK_HOLE))
	return { start, end: Math.min(end, order.size) }
}

/** ENXIO: only a hole is left. */
function orAtEnd(seek: () => Maybe<number>, end: number): Maybe<number> {
	const atEnd = (error: unknown): number => {
		if (codeOf(error) === 'ENXIO') return end
		throw error
	}
	try {
		const found = seek()
		return isPromise(found) ? found.catch(atEnd) : found
	} catch (error) {
		return atEnd(error)
	}
}

function hashZeros(hash: Hasher, bytes: number): number {
	const count = Math.min(bytes, zeros.length)
	hash.update(zeros.subarray(0, count))
	return count
}

function* readFully(from: Readable, fd: number, piece: Uint8Array, position: number): Op<void> {
	const count = yield* at('source', () => from.read(fd, piece, position))
	if (count < piece.length) throw sided('source', new Errno('EAGAIN', 'it became shorter while it was copied'))
}

function* writeFully(to: NodeOperations, fd: number, piece: Uint8Array, position: number): Op<void> {
	for (let done = 0; done < piece.length; ) {
		const rest = done === 0 ? piece : piece.subarray(done)
		const count = yield* at('target', () => to.write(fd, rest, position + done))
		if (count === 0) fail('EIO', 'nothing was written')
		done += count
	}
}

/** Leaves out what is nothing but zeros. */
function* writeData(to: NodeOperations, fd: number, piece: Uint8Array, position: number): Op<void> {
	for (let from = 0; from < piece.length; from += ZEROS_BYTES) {
		const block = piece.subarray(from, from + ZEROS_BYTES)
		if (Buffer.compare(block, zeros.subarray(0, block.length)) !== 0) yield* writeFully(to, fd, block, position + from)
	}
}
