/**
 * Content that has no name yet. It lies on a node below `.cairn/uploads/`, in a folder of the client that brings it, and no
 * row anywhere speaks of it: while it comes it costs the catalogue nothing, and when the client is gone so is the folder.
 */
import * as carried from '../catalogue/carried.ts'
import * as clients from '../catalogue/clients.ts'
import type { Query, Reader } from '../catalogue/driver.ts'
import * as intents from '../catalogue/intents.ts'
import * as uploads from '../catalogue/uploads.ts'
import { codeOf, fail } from '../errors.ts'
import type { ClientId, NodeId, Path } from '../ids.ts'
import type { DirectoryEntry, Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { NewFile } from './create.ts'
import type { Filesystem } from './filesystem.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

const UPLOADS = Buffer.from('.cairn/uploads')
const OWN_MODE = 0o700

/** A client, and which of its lives: others may have taken it for dead, removed what it had brought, and been wrong. */
export interface Bringer {
	client: ClientId
	returns: number
}

export function bringerOf({ client, returns }: Filesystem): Bringer {
	return { client, returns }
}

export function newPlace(fs: Filesystem, { client, returns }: Bringer): Path {
	return Buffer.from(`${UPLOADS}/${client}-${returns}/${fs.nextToken++}`)
}

/** Of uploads that have a row in the catalogue, and outlive the client. */
const KEPT = Buffer.from(`${UPLOADS}/kept`)

export function keptPath(id: string): Path {
	return Buffer.from(`${KEPT}/${id}`)
}

/** The file there, open for reading and writing. */
export function* createStaged(node: Node, path: Path, attributes: NewFile): Op<number> {
	try {
		return yield* wait(node.operations.create(path, attributes))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
	yield* wait(node.operations.makeDirectory(path.subarray(0, path.lastIndexOf('/')), { mode: OWN_MODE }))
	return yield* wait(node.operations.create(path, attributes))
}

/**
 * What has to hold in the transaction that gives the content its name: nobody took its bringer for dead. Whoever settles the
 * client removes this row first and what it brought afterwards, so the two exclude each other.
 */
export function aliveQuery(fs: Filesystem, { client }: Bringer): Query {
	return clients.findQuery(client, fs.capabilities.forShare)
}

export function checkAlive(fs: Filesystem, bringer: Bringer, rows: readonly unknown[]): void {
	if (rows.length === 0 || bringer.returns !== fs.returns) fail('EIO', 'this process was taken for dead, and what it was bringing was removed')
}

/**
 * Removes what clients left that are no longer in the table. What an intent is about to give its name is not among it: those
 * are read when the client is known to be gone, and it makes no more.
 */
export function* removeLeftUploads(fs: Filesystem, node: Node): Op<void> {
	for (const folder of yield* foldersOf(node)) {
		const [client] = folder.toString('latin1').split('-')
		if (yield* wait(clients.find(fs.catalogue, Number(client), ''))) continue
		const needed = yield* neededOn(fs.catalogue, node.id)
		if (!needed) return
		yield* removeFolder(node, Buffer.concat([UPLOADS, SLASH, folder]), needed)
	}
	yield* removeUnknown(fs, node)
}

/** Kept uploads without a row: it is written before the file is made. */
function* removeUnknown(fs: Filesystem, node: Node): Op<void> {
	for (const { name } of yield* listed(node, KEPT)) {
		const path = keptPath(name.toString('latin1'))
		if (yield* wait(uploads.find(fs.catalogue, name.toString('latin1'), fs.capabilities))) continue
		const needed = yield* neededOn(fs.catalogue, node.id)
		if (!needed) return
		if (!needed.has(path.toString('latin1'))) yield* wait(node.operations.unlink(path))
	}
}

/** Paths that something is about to be moved from, or was, and may be there again after a crash. Undefined where there are too many. */
export function* neededOn(reader: Reader, node: NodeId): Op<ReadonlySet<string> | undefined> {
	const standing = yield* wait(intents.standing(reader, node, STANDING_ROWS_MAX))
	if (standing.length === STANDING_ROWS_MAX) return undefined
	const done = yield* wait(carried.onNode(reader, node))
	return new Set([...standing, ...done].map(({ path }) => Buffer.from(path).toString('latin1')))
}

const SLASH = Buffer.from('/')
const OF_CLIENT = /^\d+-\d+$/

function* foldersOf(node: Node): Op<Buffer[]> {
	return (yield* listed(node, UPLOADS)).map(({ name }) => name).filter((name) => OF_CLIENT.test(name.toString('latin1')))
}

function* listed(node: Node, folder: Path): Op<DirectoryEntry[]> {
	try {
		return yield* wait(node.operations.list(folder))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return []
	}
}

function* removeFolder(node: Node, folder: Path, needed: ReadonlySet<string>): Op<void> {
	let kept = 0
	// Several go through what others left, and one of them may be through with it.
	for (const { name } of yield* listed(node, folder)) {
		const path = Buffer.concat([folder, SLASH, name])
		if (needed.has(path.toString('latin1'))) kept++
		else yield* wait(node.operations.unlink(path))
	}
	if (kept === 0) yield* wait(node.operations.removeDirectory(folder))
}
