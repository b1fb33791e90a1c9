/** Whose a path is, for who is about to change what stands there on a node. */
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import type { Place } from './names.ts'
import { resolve } from './resolve.ts'

/** Nothing is there, and nobody can come to be there by this path. */
const LEADS_NOWHERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'])

/** The file the path leads to, locked as its directory is: that it leads nowhere stays so as well until the commit. */
export function* ownerOf(fs: Filesystem, tx: Transaction, path: Path): Op<FileRow | undefined> {
	const place = yield* placeAt(fs, tx, path)
	if (!place) return undefined
	const { forUpdate } = fs.capabilities
	const [, [row]] = (yield* wait(
		tx.read(files.findQuery(place.parent, forUpdate), entries.lookupQuery(place.parent, place.name, forUpdate)),
	)) as FileRow[][]
	return row
}

/** Whether something of it is on the node, or comes there. A directory may be anywhere. A copy that comes later waits for what stands on its path. */
export function* isOn(tx: Transaction, node: Node, { id, kind }: FileRow): Op<boolean> {
	const [copies] = (yield* wait(tx.read(replicas.ofFileQuery(id)))) as [ReplicaRow[]]
	return kind === KIND.directory || copies.some((copy) => copy.node_id === node.id)
}

function* placeAt(fs: Filesystem, tx: Transaction, path: Path): Op<Place | undefined> {
	try {
		const located = yield* resolve(fs, path, { follow: false, reader: tx })
		return located.path.equals(path) ? located.place : undefined
	} catch (error) {
		if (!LEADS_NOWHERE.has(codeOf(error))) throw error
		return undefined
	}
}
