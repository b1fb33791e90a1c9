/** Whose a path is, for who is about to change what stands there on a node. */
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import { descend, NAMES_MAX } from '../catalogue/paths.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import { type Name, type Path, ROOT_ID } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import type { Place } from './names.ts'

/** The file the path leads to, locked as its directory is: that it leads nowhere stays so as well until the commit. */
export function* ownerOf(fs: Filesystem, tx: Transaction, path: Path): Op<FileRow | undefined> {
	const place = yield* placeAt(tx, path)
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

/** No symlink leads on: on a node nothing is reached through one. */
function* placeAt(tx: Transaction, path: Path): Op<Place | undefined> {
	const names = path.toString('latin1').split('/').map((name) => Buffer.from(name, 'latin1'))
	const name = names.pop() as Name
	let parent = ROOT_ID
	while (names.length > 0) {
		const next = names.splice(0, NAMES_MAX)
		const { ids } = yield* descend(tx, parent, next)
		if (ids.length < next.length) return undefined
		parent = ids[ids.length - 1]
	}
	return { parent, name }
}
