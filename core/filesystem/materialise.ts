/** Directories are made on a node when something in them goes there, with the attributes the catalogue has for them. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import * as files from '../catalogue/files.ts'
import { codeOf } from '../errors.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import type { Attributes, Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { keepStray } from './keep-stray.ts'

/** Then others have their turn: each is reached from the root, so that a way of 1,500 takes seconds. */
const LEVELS_AT_ONCE = 32

export interface Wanted {
	id: FileId
	path: Path
	attributes: Attributes
}

export type Make = (fs: Filesystem, node: Node, wanted: Wanted) => Op<void>

/** The directory on the node, and what is missing above it; for whoever holds a path below it. */
export function makeParentsHeld(fs: Filesystem, node: Node, directory: FileId): Op<void> {
	return makeAll(fs, node, directory, makeHeld)
}

/** The same, each as `make` does it. */
export function* makeAll(fs: Filesystem, node: Node, directory: FileId, make: Make): Op<void> {
	const ids = yield* fs.directories.ancestors(fs.catalogue, directory)
	for (const [level, id] of ids.reverse().entries()) {
		if (id === ROOT_ID) continue
		if (level % LEVELS_AT_ONCE === LEVELS_AT_ONCE - 1) yield* wait(othersFirst())
		const path = yield* fs.directories.path(fs.catalogue, id)
		const row = yield* wait(files.find(fs.catalogue, id))
		if (row) yield* make(fs, node, { id, path, attributes: { mode: row.mode, uid: row.uid, gid: row.gid } })
	}
}

/** What has the name there and is none is unknown to the catalogue. */
export function* makeHeld(fs: Filesystem, node: Node, { path, attributes }: Wanted): Op<void> {
	try {
		yield* wait(node.operations.makeDirectory(path, attributes))
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		yield* keepStray(fs, node, path)
		yield* wait(node.operations.makeDirectory(path, attributes))
	}
}

/** Something on the way to a name is a file, or a link that leads elsewhere. */
export function isNoDirectory(error: unknown): boolean {
	return codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP'
}
