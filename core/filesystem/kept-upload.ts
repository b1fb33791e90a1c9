/**
 * Uploads that outlive the request and the process that bring them. A row says that there is one; how much of it has come, the
 * file on the node says. The row is there before the file, and goes with an intent to remove it or says from when the file has
 * its name that this is over, so a file without a row is nobody's.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as leases from '../catalogue/leases.ts'
import * as uploads from '../catalogue/uploads.ts'
import type { UploadRow } from '../catalogue/uploads.ts'
import { codeOf, fail } from '../errors.ts'
import type { Path } from '../ids.ts'
import { readAside, writeAside } from '../nodes/aside.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, run, wait } from '../op.ts'
import { classOf } from '../placement/placement.ts'
import { freeBytes } from '../placement/room.ts'
import { takeLease } from './clients.ts'
import { type NewFile, nodesTaking } from './create.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { giveName } from './give-name.ts'
import { carryOut, intend } from './intents.ts'
import type { Place } from './names.ts'
import type { Conditions, Staged } from './naming.ts'
import { checkNode } from './nodes.ts'
import { createStaged, keptPath } from './staged.ts'

const O_RDWR = 2
const BATCH_BYTES = 512 * 1024
const OVERHEAD_BYTES = 256 * 1024
const LEASE_SECONDS = 86_400
const EXPIRED_AT_ONCE_MAX = 100

export interface NewUpload {
	place: Place
	path: Path
	length: number
	metadata: string
	holder: string
	seconds: number
	attributes: NewFile
}

export function* keepUpload(fs: Filesystem, { place, path, attributes, ...rest }: NewUpload): Op<UploadRow> {
	const taking = yield* nodesTaking(fs, fs.catalogue, classOf(fs, path), place.parent)
	if (taking.length === 0) fail('EIO', 'no node takes new files')
	const node = taking.find((each) => freeBytes(each) > rest.length + OVERHEAD_BYTES) ?? fail('ENOSPC')
	const row = { id: randomUUID(), node_id: node.id, path, ...rest }
	yield* wait(
		transact(fs, function* (tx) {
			fs.nodesInDoubt = true
			yield* checkNode(fs, tx, node)
			uploads.insert(tx, row, fs.capabilities)
		}),
	)
	const fd = yield* createStaged(node, keptPath(row.id), attributes)
	yield* wait(node.operations.close(fd))
	return row
}

/** It has become a file. */
export function isOver({ node_id }: UploadRow): boolean {
	return node_id === 0
}

function nodeOf(fs: Filesystem, { node_id }: UploadRow): Node {
	return fs.nodes.get(node_id) ?? fail('EIO', 'the node that has it is away')
}

function* openKept(fs: Filesystem, row: UploadRow): Op<{ node: Node; fd: number }> {
	const node = nodeOf(fs, row)
	return { node, fd: yield* wait(node.operations.open(keptPath(row.id), O_RDWR)) }
}

/** How much of it is there. */
export function* keptBytes(fs: Filesystem, row: UploadRow): Op<number> {
	if (isOver(row)) return row.length
	return (yield* wait(nodeOf(fs, row).operations.stat(keptPath(row.id)))).size
}

const busy = new Set<string>()

/** One at a time goes on with an upload, of all doors: EBUSY for others. */
export async function withUpload<T>(fs: Filesystem, { id }: UploadRow, body: () => Promise<T>): Promise<T> {
	const lease = `upload:${id}`
	if (busy.has(id)) fail('EBUSY', 'somebody is going on with this upload')
	busy.add(id)
	try {
		if (!(await run(takeLease(fs, lease, LEASE_SECONDS)))) fail('EBUSY', 'somebody is going on with this upload')
		try {
			return await body()
		} finally {
			await run(drop(fs, lease))
		}
	} finally {
		busy.delete(id)
	}
}

function* drop(fs: Filesystem, lease: string): Op<void> {
	yield* wait(
		transact(fs, function* (tx) {
			leases.drop(tx, lease)
		}),
	)
}

/**
 * What comes is added at `offset`, which must be where it ends: ESTALE. When the source fails, what came stays; when `verify`
 * does, nothing of it. The bytes there are then.
 */
export async function addToUpload(fs: Filesystem, row: UploadRow, offset: number, source: AsyncIterable<Uint8Array>, verify?: () => void): Promise<number> {
	if (isOver(row)) return await addNothing(row, offset, source)
	const { node, fd } = await run(openKept(fs, row))
	try {
		if ((await node.operations.fstat(fd)).size !== offset) fail('ESTALE', 'the upload is not that far')
		let end = offset
		let parts: Uint8Array[] = []
		let gathered = 0
		const write = async () => {
			await writeAside(node, fd, parts, end)
			end += gathered
			parts = []
			gathered = 0
		}
		try {
			for await (const part of source) {
				parts.push(part)
				gathered += part.length
				if (row.length >= 0 && end + gathered > row.length) fail('EFBIG', 'that is more than was announced')
				if (gathered >= BATCH_BYTES) await write()
			}
		} catch (error) {
			if (codeOf(error) === 'EFBIG') await node.operations.truncate(fd, offset)
			else await write()
			throw error
		}
		await write()
		try {
			verify?.()
		} catch (error) {
			await node.operations.truncate(fd, offset)
			throw error
		}
		return end
	} finally {
		await node.operations.close(fd)
	}
}

/** Whoever did not hear that it is over may say so once more. */
async function addNothing({ length }: UploadRow, offset: number, source: AsyncIterable<Uint8Array>): Promise<number> {
	if (offset !== length) fail('ESTALE', 'the upload is over')
	for await (const { length: bytes } of source) if (bytes > 0) fail('EFBIG', 'that is more than was announced')
	return length
}

/** Those of `parts`, one after the other; the SHA-256 of all of it. */
export async function joinUploads(fs: Filesystem, into: UploadRow, parts: readonly UploadRow[]): Promise<Buffer> {
	const hash = createHash('sha256')
	const { node, fd } = await run(openKept(fs, into))
	try {
		let end = 0
		for (const part of parts) {
			for await (const chunk of contentOf(fs, part)) {
				hash.update(chunk)
				await writeAside(node, fd, [chunk], end)
				end += chunk.length
			}
		}
		return end === into.length ? hash.digest() : fail('EIO', 'a part is not as long as it was')
	} finally {
		await node.operations.close(fd)
	}
}

async function* contentOf(fs: Filesystem, row: UploadRow): AsyncGenerator<Uint8Array> {
	const { node, fd } = await run(openKept(fs, row))
	try {
		for (let at = 0; ; ) {
			const buffer = Buffer.allocUnsafe(BATCH_BYTES)
			const count = await readAside(node, fd, buffer, at)
			if (count === 0) return
			at += count
			yield buffer.subarray(0, count)
		}
	} finally {
		await node.operations.close(fd)
	}
}

export interface Ending {
	/** Of all of it, if it is known. */
	hash?: Buffer
	/** Asked in the transaction. */
	check?: Conditions['check']
}

/** It becomes the file of its name. */
export function* nameUpload(fs: Filesystem, row: UploadRow, place: Place, attributes: NewFile, { hash, check }: Ending): Op<FileRow> {
	const { node, fd } = yield* openKept(fs, row)
	try {
		const staged: Staged = {
			node,
			path: keptPath(row.id),
			stat: yield* wait(node.operations.fstat(fd)),
			hash,
			attributes,
			sync: () => syncKept(node, fd),
			guard: {
				query: uploads.lockQuery(row.id, fs.capabilities),
				judge(tx, rows) {
					if (rows.length === 0) fail('ENOENT', 'the upload was given up')
					uploads.setOver(tx, row.id, staged.stat.size)
				},
			},
			mayBeNamed: false,
		}
		return yield* giveName(fs, staged, place, { check })
	} finally {
		yield* wait(node.operations.close(fd))
	}
}

/** What a disk has refused it is not asked for again, and the next sync would say that all is there: then nothing of it has come. */
function* syncKept(node: Node, fd: number): Op<void> {
	try {
		yield* wait(node.operations.sync(fd, true))
	} catch (error) {
		// A server that is late has refused nothing.
		if (codeOf(error) !== 'ETIMEDOUT') yield* wait(node.operations.truncate(fd, 0))
		throw error
	}
}

/** As if it had never been begun; what has become a file stays one. */
export function* giveUpUpload(fs: Filesystem, row: UploadRow): Op<void> {
	const intent: Intent = { nodeId: row.node_id, op: 'unlink', path: keptPath(row.id), toPath: null, fileId: 0, token: fs.nextToken++ }
	const made = yield* wait(
		transact(fs, function* (tx) {
			const [[found]] = (yield* wait(tx.read(uploads.lockQuery(row.id, fs.capabilities)))) as [UploadRow[]]
			if (!found) return []
			uploads.remove(tx, row.id)
			if (isOver(found)) return []
			return yield* intend(fs, tx, [intent], true)
		}),
	)
	yield* carryOut(fs, made)
}

/** Of which nobody is bringing more at this moment. */
export async function giveUpExpired(fs: Filesystem): Promise<void> {
	for (;;) {
		const expired = await uploads.expired(fs.catalogue, EXPIRED_AT_ONCE_MAX, fs.capabilities)
		let ended = 0
		for (const row of expired) if (await isEnded(fs, row)) ended++
		if (ended === 0 || expired.length < EXPIRED_AT_ONCE_MAX) return
	}
}

async function isEnded(fs: Filesystem, expired: UploadRow): Promise<boolean> {
	try {
		await withUpload(fs, expired, () => giveUpIfExpired(fs, expired))
		return true
	} catch (error) {
		if (codeOf(error) !== 'EBUSY') throw error
		return false
	}
}

/** Who brought more until now has given it more time. */
async function giveUpIfExpired(fs: Filesystem, { id }: UploadRow): Promise<void> {
	const row = await uploads.find(fs.catalogue, id, fs.capabilities)
	if (row && row.seconds <= 0) await run(giveUpUpload(fs, row))
}
