/**
 * Bringing content for a name: written to a node where no name leads to it, hashed on the way, and given its name whole
 * (give-name.ts) or not at all. A node that fills up is left for one with room.
 */
import { createHash, type Hash } from 'node:crypto'
import type { FileRow } from '../catalogue/files.ts'
import type { Time } from '../clock.ts'
import { codeOf, Errno, fail } from '../errors.ts'
import type { Path } from '../ids.ts'
import * as intents from '../catalogue/intents.ts'
import { ASIDE_BYTES_MIN, writeAside } from '../nodes/aside.ts'
import type { Node } from '../nodes/node.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { classOf } from '../placement/placement.ts'
import { freeBytes, hasRefused } from '../placement/room.ts'
import { copyContent } from './copy-content.ts'
import { type NewFile, nodesTaking } from './create.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { giveName } from './give-name.ts'
import type { Place } from './names.ts'
import type { Conditions, Staged } from './naming.ts'
import { isOutOfRoom } from './relocate.ts'
import { aliveQuery, bringerOf, type Bringer, checkAlive, createStaged, newPlace } from './staged.ts'

/** What a filesystem needs for itself to take a file. */
const OVERHEAD_BYTES = 256 * 1024

export interface Intake {
	/** Where the name is to be, and its path: its class decides which nodes are asked. */
	place: Place
	path: Path
	attributes: NewFile
	/** Where it goes first, if a node there takes it. */
	zone?: string
	/** As announced; the upload may be shorter or longer. */
	bytes?: number
	/** Of all of it, where it is at hand. */
	sha256?: Buffer
	/** Reckoned beside SHA-256. */
	besides?: readonly Beside[]
}

export type Beside = 'md5' | 'sha512'

/** Of all of the content; beside SHA-256 those that were asked for. */
export type Digests = { sha256: Buffer } & Partial<Record<Beside, Buffer>>

export interface Upload {
	readonly intake: Intake
	readonly bringer: Bringer
	node: Node
	/** On that node. */
	staged: Path
	fd: number
	/** Written so far. */
	bytes: number
	readonly sha256: Hash | Buffer
	readonly besides: ReadonlyArray<[Beside, Hash]>
	/** Nodes that might take it instead, best first. */
	others: Node[]
}

export type Stored = Digests & { row: FileRow }

/** On the first node that takes it. ENOSPC when none has the room that was announced. */
export function* beginUpload(fs: Filesystem, intake: Intake): Op<Upload> {
	const taking = yield* nodesTaking(fs, fs.catalogue, classOf(fs, intake.path), intake.place.parent)
	if (taking.length === 0) fail('EIO', 'no node takes new files')
	const nodes = withRoomFor(fromZone(taking, intake.zone), intake.bytes ?? 0)
	const bringer = bringerOf(fs)
	let failure: unknown
	for (const [index, node] of nodes.entries()) {
		const staged = newPlace(fs, bringer)
		try {
			const fd = yield* createStaged(node, staged, intake.attributes)
			const besides = (intake.besides ?? []).map((name): [Beside, Hash] => [name, createHash(name)])
			return { intake, bringer, node, staged, fd, bytes: 0, sha256: intake.sha256 ?? createHash('sha256'), besides, others: nodes.slice(index + 1) }
		} catch (error) {
			failure = error
			yield* removeIfLate(fs, node, { staged, error })
		}
	}
	throw failure ?? new Errno('ENOSPC')
}

function fromZone(nodes: readonly Node[], zone: string | undefined): readonly Node[] {
	return zone === undefined ? nodes : [...nodes.filter(({ row }) => row.zone === zone), ...nodes.filter(({ row }) => row.zone !== zone)]
}

function withRoomFor(nodes: readonly Node[], bytes: number): Node[] {
	return nodes.filter((node) => freeBytes(node) > bytes + OVERHEAD_BYTES)
}

/** What comes next. The parts may not be changed until it has ended. */
export function* writeUpload(fs: Filesystem, upload: Upload, parts: readonly Uint8Array[]): Op<void> {
	const written = run(writeSomewhere(fs, upload, parts))
	for (const part of parts) {
		if (!Buffer.isBuffer(upload.sha256)) upload.sha256.update(part)
		for (const [, hash] of upload.besides) hash.update(part)
	}
	if (isPromise(written)) yield* wait(written)
	for (const part of parts) upload.bytes += part.length
}

function* writeSomewhere(fs: Filesystem, upload: Upload, parts: readonly Uint8Array[]): Op<void> {
	for (;;) {
		try {
			return yield* wait(writeAside(upload.node, upload.fd, parts, upload.bytes))
		} catch (error) {
			if (!isOutOfRoom(error)) throw error
			hasRefused(upload.node)
			if (!(yield* moveOn(fs, upload, parts.reduce((sum, part) => sum + part.length, 0)))) throw error
		}
	}
}

/** True when what came so far is on another node, with room for more. */
function* moveOn(fs: Filesystem, upload: Upload, bytes: number): Op<boolean> {
	const candidates = withRoomFor(upload.others, upload.bytes + bytes)
	for (const node of candidates) {
		upload.others = upload.others.filter((other) => other !== node)
		const staged = newPlace(fs, upload.bringer)
		let fd: number | undefined
		try {
			fd = yield* createStaged(node, staged, upload.intake.attributes)
			yield* copyContent(upload, { node, fd })
		} catch (error) {
			if (!isNodeTrouble(error)) throw error
			if (fd === undefined) yield* removeIfLate(fs, node, { staged, error })
			else yield* abortUpload(fs, { node, fd, staged })
			continue
		}
		yield* abortUpload(fs, upload)
		Object.assign(upload, { node, staged, fd })
		return true
	}
	return false
}

export interface Ending extends Conditions {
	/** The time of modification it is to have. */
	modified?: Time
	/** Elsewhere than where it was announced. */
	place?: Place
	/** Sees the hashes before anything is done; throws when they are not what they should be. */
	verify?: (digests: Digests) => void
}

/** The name leads to it when this returns; when it throws the upload is gone. */
export function* finishUpload(fs: Filesystem, upload: Upload, ending: Ending = {}): Op<Stored> {
	const { node, fd, sha256, besides } = upload
	const digests: Digests = { sha256: Buffer.isBuffer(sha256) ? sha256 : sha256.digest(), ...Object.fromEntries(besides.map(([name, hash]) => [name, hash.digest()])) }
	let staged: Staged | undefined
	try {
		ending.verify?.(digests)
		const { modified } = ending
		if (modified) yield* wait(node.operations.setFileAttributes(fd, { mtime: modified.s, mtimeNs: modified.ns }))
		// Before it has a name: what a server refuses at the close would be known too late. Of little, a disk knows nothing yet.
		if (!node.disk || upload.bytes >= ASIDE_BYTES_MIN) yield* wait(node.operations.flush(fd))
		staged = yield* asStaged(fs, upload, digests.sha256)
		return { row: yield* giveName(fs, staged, ending.place ?? upload.intake.place, ending), ...digests }
	} finally {
		if (staged?.mayBeNamed) yield* closeQuietly(fs, node, fd)
		else yield* abortUpload(fs, upload)
	}
}

/** The file has its name, whatever becomes of the descriptor. */
function* closeQuietly(fs: Filesystem, node: Node, fd: number): Op<void> {
	try {
		yield* wait(node.operations.close(fd))
	} catch (error) {
		fs.report(`node ${node.name}: closing what was uploaded: ${(error as Error).message}`)
	}
}

function* asStaged(fs: Filesystem, { node, fd, staged, bringer, intake }: Upload, hash: Buffer): Op<Staged> {
	const stat = yield* wait(node.operations.fstat(fd))
	return {
		node,
		path: staged,
		stat,
		hash,
		attributes: intake.attributes,
		*sync() {
			yield* wait(node.operations.sync(fd, true))
		},
		guard: { query: aliveQuery(fs, bringer), judge: (_, rows) => checkAlive(fs, bringer, rows) },
		mayBeNamed: false,
	}
}

/** As if it had never been begun. On a node that does not answer it is removed when it does. */
export function* abortUpload(fs: Filesystem, { node, fd, staged }: Pick<Upload, 'node' | 'fd' | 'staged'>): Op<void> {
	try {
		yield* wait(node.operations.close(fd))
		yield* wait(node.operations.unlink(staged))
	} catch (error) {
		if (!isNodeTrouble(error)) throw error
		yield* removeLater(fs, node, staged)
	}
}

/** A node that was not waited for may make the file yet. */
function* removeIfLate(fs: Filesystem, node: Node, { staged, error }: { staged: Path; error: unknown }): Op<void> {
	if (codeOf(error) === 'ETIMEDOUT') yield* removeLater(fs, node, staged)
}

function* removeLater(fs: Filesystem, node: Node, staged: Path): Op<void> {
	// It was taken away, with all that is on it.
	if (node.row.state === 'dead') return
	const intent: intents.Intent = { nodeId: node.id, op: 'unlink', path: staged, toPath: null, fileId: 0, token: fs.nextToken++ }
	yield* wait(transact(fs, function* (tx) {
		intents.insert(tx, null, intent, fs.capabilities)
	}))
}
