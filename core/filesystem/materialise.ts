/** Directories are made on a node when something in them goes there, with the attributes the catalogue has for them. */
import * as files from '../catalogue/files.ts'
import { type FileId, ROOT_ID } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** The directory on the node, and what is missing above it. */
export function* makeParents(fs: Filesystem, node: Node, directory: FileId): Op<void> {
	const ids = yield* fs.directories.ancestors(fs.catalogue, directory)
	for (const id of ids.reverse()) {
		if (id === ROOT_ID) continue
		const path = yield* fs.directories.path(fs.catalogue, id)
		const row = yield* wait(files.find(fs.catalogue, id))
		if (row) yield* wait(node.operations.makeDirectory(path, { mode: row.mode, uid: row.uid, gid: row.gid }))
	}
}

