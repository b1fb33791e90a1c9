/**
 * Content for doors that carry it themselves. What is open goes on being what it was, whatever becomes of the name; a node
 * that fails in the middle is left for another copy of the same version.
 */
import { createHash } from 'node:crypto'
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { FileRow } from '../catalogue/files.ts'
import * as files from '../catalogue/files.ts'
import type { LocatedRow } from '../catalogue/paths.ts'
import * as writers from '../catalogue/writers.ts'
import { codeOf, Errno, fail } from '../errors.ts'
import { sendfile } from '../libc.ts'
import type { FileId, Path } from '../ids.ts'
import { readAside } from '../nodes/aside.ts'
import type { Stat } from '../nodes/node.ts'
import { type Op, run, wait } from '../op.ts'
import { read } from './data.ts'
import type { Filesystem } from './filesystem.ts'
import { failOver, open } from './open.ts'
import { type OpenFile, withDescriptor } from './open-files.ts'
import { release } from './publish.ts'
import { type Located, locate } from './resolve.ts'

/** A name may be given to another file between the question and the open, again and again. */
const ATTEMPTS_MAX = 100
const CHUNK_BYTES_MIN = 16 * 1024
/** Each stream holds up to two of its chunks. */
const CHUNK_BYTES_MAX = 512 * 1024
/** Held by all streams together, besides what each has at least. */
const HELD_BYTES_MAX = 16 * 1024 * 1024
/** Whoever takes a chunk faster than this gets a larger one next, whoever is slower than the other a smaller one: what waits for slow readers takes memory. */
const FAST_MS = 20
const SLOW_MS = 200

let heldBytes = 0

/** Somebody emptied it, or cut it off, while it was read. */
export class Shortened extends Errno {
	constructor() {
		super('EIO', 'the file is shorter than it was')
	}
}

export interface Content {
	located: Located & { row: LocatedRow }
	file: OpenFile
	/** As it is on the node. */
	size: number
	/** The same, when it was opened. */
	stat: Stat
}

/** What a path leads to, open. EISDIR and EINVAL of what is no regular file. To be closed with `closeContent`. */
export function* openContent(fs: Filesystem, path: Path): Op<Content> {
	for (let attempt = 1; ; attempt++) {
		const located = yield* locate(fs, path)
		const content = yield* openLocated(fs, located)
		if (content) return content
		if (attempt === ATTEMPTS_MAX) fail('EAGAIN', 'the file is replaced all the time')
		// Whoever has replaced it brings the new one to its place in a turn of his own.
		yield* wait(othersFirst())
	}
}

/** Undefined when its name leads elsewhere by now, or to a newer version: whoever said what it is has to ask again. */
export function* openLocated(fs: Filesystem, located: Located & { row: LocatedRow }): Op<Content | undefined> {
	const file = yield* openUnlessMoved(fs, located.row.id)
	if (!file) return undefined
	try {
		const stat = file.row.version === located.row.version ? yield* statOf(fs, file, located.row) : undefined
		if (stat) return { located, file, size: stat.size, stat }
	} catch (error) {
		yield* release(fs, file, false)
		throw error
	}
	yield* release(fs, file, false)
	return undefined
}

function* openUnlessMoved(fs: Filesystem, id: FileId): Op<OpenFile | undefined> {
	try {
		return yield* open(fs, id, { write: false, truncate: false })
	} catch (error) {
		if (codeOf(error) !== 'ESTALE') throw error
		return undefined
	}
}

/**
 * A copy that is not as long as the file is no copy, unless somebody is writing to it. Undefined where he has begun since it was looked up: what was
 * said of it then does not hold.
 */
function* statOf(fs: Filesystem, file: OpenFile, row: LocatedRow): Op<Stat | undefined> {
	const stat = yield* fstat(file)
	if (row.written || isTimed(row, stat)) return stat
	if (!(yield* isStill(fs, row))) return undefined
	if (stat.size === row.size) return stat
	fs.report(`node ${file.node.name}: ${file.path} has ${stat.size} bytes of ${row.size}`)
	yield* failOver(fs, file, new Set([file.node.id]))
	return yield* fstat(file)
}

/** As it was published, for as much as the node keeps of a time. */
function isTimed(row: LocatedRow, { size, mtime, mtimeNs }: Stat): boolean {
	return size === row.size && mtime === row.mtime && (mtimeNs === row.mtime_ns || mtimeNs === 0)
}

/** Of that version, and nobody writes to it. */
function* isStill(fs: Filesystem, { id, version }: LocatedRow): Op<boolean> {
	const [[now], pins] = (yield* wait(fs.catalogue.read(files.findQuery(id), writers.ofFileQuery(id)))) as [FileRow[], unknown[]]
	return now?.version === version && pins.length === 0
}

/**
 * Whether what was read of it, from its beginning to where it ended, is what was there when it was opened. Of what was being written by then nobody said
 * what it is. What was added behind that end is none of it: a hash says so, where there is one.
 */
export async function isAsOpened(fs: Filesystem, { located: { row }, file, size, stat }: Content): Promise<boolean> {
	if (row.written) return true
	const now = await run(fstat(file))
	if (now.size === size && now.mtime === stat.mtime && now.mtimeNs === stat.mtimeNs) return true
	if (await run(isStill(fs, row))) return true
	if (now.size <= size || row.hash === null || row.hash_version !== row.version) return now.size > size
	const sha256 = createHash('sha256')
	for await (const chunk of readRange(fs, { file }, 0, size)) sha256.update(chunk)
	return sha256.digest().equals(row.hash)
}

function* fstat({ node, fd }: OpenFile): Op<Stat> {
	return yield* wait(node.operations.fstat(fd))
}

export function* closeContent(fs: Filesystem, { file }: Content): Op<void> {
	yield* release(fs, file, false)
}

/** From `start`, at most `length` bytes, in one piece: for what is small. */
export function* readPart(fs: Filesystem, { file }: Content, start: number, length: number): Op<Buffer> {
	const buffer = Buffer.allocUnsafeSlow(length)
	const count = yield* read(fs, file, buffer, start)
	return count === length ? buffer : buffer.subarray(0, count)
}

/**
 * The bytes from `start` up to, not including, `end`; the next chunk is read while the last one is being used. `Shortened` when the
 * file is by now. Whoever stops in between only stops asking.
 */
export async function* readRange(fs: Filesystem, { file }: Pick<Content, 'file'>, start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
	let bytes = CHUNK_BYTES_MIN
	let held = 0
	/** As much as is wanted, or as there is left for streams that take more than the least. */
	const hold = () => {
		heldBytes -= held
		held = bytes > CHUNK_BYTES_MIN && heldBytes + 2 * bytes <= HELD_BYTES_MAX ? 2 * bytes : 0
		heldBytes += held
		return held > 0 ? bytes : CHUNK_BYTES_MIN
	}
	let next = start < end ? readChunk(fs, file, start, Math.min(bytes, end - start)) : undefined
	try {
		for (let at = start; next !== undefined; ) {
			const chunk: Buffer = await next
			at += chunk.length
			next = at < end ? readChunk(fs, file, at, Math.min(hold(), end - at)) : undefined
			const given = performance.now()
			yield chunk
			const takenMs = performance.now() - given
			if (takenMs < FAST_MS) bytes = Math.min(CHUNK_BYTES_MAX, bytes * 2)
			else if (takenMs > SLOW_MS) bytes = CHUNK_BYTES_MIN
		}
	} finally {
		heldBytes -= held
		// The descriptor is the reader's to close, and not while a thread reads from it.
		await next?.catch(() => undefined)
	}
}

/** What a reader who is slow leaves waiting here. */
const WAITING_BYTES = CHUNK_BYTES_MIN
const SENT_BYTES_MAX = 4 * 1024 * 1024
/** Calls at once; whoever comes when there are so many goes on with bytes that are read. */
const SENDING_MAX = 64

let sending = 0

/** A connection of which the kernel takes bytes of a file by itself. */
export interface Outlet {
	/** Stays open until the range is sent. */
	readonly fd: number
	/** Resolves when the kernel has taken them, or the connection is over. */
	write(bytes: Buffer): Promise<void>
	isOver(): boolean
	/** So many went there from the file. */
	sent(bytes: number): void
}

/**
 * The bytes from `start` up to `end` of a file on a local disk, of which most do not pass through here: what the connection takes at
 * once goes there from the file, and when it takes no more the next few bytes are written, which waits until it does.
 */
export async function sendRange(fs: Filesystem, { file }: Pick<Content, 'file'>, { start, end }: { start: number; end: number }, outlet: Outlet): Promise<void> {
	for (let at = start; at < end && !outlet.isOver(); ) {
		const bytes = await readChunk(fs, file, at, Math.min(WAITING_BYTES, end - at))
		await outlet.write(bytes)
		at += bytes.length
		while (at < end && !outlet.isOver() && !file.node.remote && sending < SENDING_MAX) {
			const range = { offset: at, length: Math.min(SENT_BYTES_MAX, end - at) }
			const sent = await withDescriptor(file, (from) => send({ to: outlet.fd, from, ...range }))
			// Nothing taken, or nothing there: reading says which.
			if (sent <= 0) break
			at += sent
			outlet.sent(sent)
		}
	}
}

async function send(bytes: Parameters<typeof sendfile>[0]): Promise<number> {
	sending++
	try {
		return await sendfile(bytes)
	} finally {
		sending--
	}
}

async function readChunk(fs: Filesystem, file: OpenFile, position: number, length: number): Promise<Buffer> {
	const buffer = Buffer.allocUnsafeSlow(length)
	const count = await run(read(fs, file, buffer, position, readAside))
	if (count === 0) throw new Shortened()
	return count === length ? buffer : buffer.subarray(0, count)
}
