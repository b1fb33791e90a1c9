/** Whose a path is, for who is about to change what stands there on a node. */
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import { type Name, type Path, ROOT_ID } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** The file the path leads to, locked as all above it is: that it leads nowhere stays so as well until the commit. */
export function* ownerOf(fs: Filesystem, tx: Transaction, path: Path): Op<FileRow | undefined> {
	const names = namesOf(path)
	return (yield* rowsAlong(fs, tx, names))[names.length - 1]
}

/**
 * What names lead to, each looked up in the one before, as far as they lead anywhere. A name that is not there cannot be locked: whoever is about to make it
 * has locked its directory, and nobody else sees what he decides before his commit. No symlink leads on: on a node nothing is reached through one.
 */
export function* rowsAlong({ capabilities: { forUpdate } }: Filesystem, tx: Transaction, names: readonly Name[]): Op<FileRow[]> {
	const rows: FileRow[] = []
	yield* wait(tx.read(files.findQuery(ROOT_ID, forUpdate)))
	for (const name of names) {
		const [[row]] = (yield* wait(tx.read(entries.lookupQuery(rows.at(-1)?.id ?? ROOT_ID, name, forUpdate)))) as [FileRow[]]
		if (!row) break
		rows.push(row)
	}
	return rows
}

export function namesOf(path: Path): Name[] {
	return path.toString('latin1').split('/').map((name) => Buffer.from(name, 'latin1'))
}

/** Whether something of it is on the node, or comes there. A directory may be anywhere. A copy that comes later waits for what stands on its path. */
export function* isOn(tx: Transaction, node: Node, { id, kind }: FileRow): Op<boolean> {
	const [copies] = (yield* wait(tx.read(replicas.ofFileQuery(id)))) as [ReplicaRow[]]
	return kind === KIND.directory || copies.some((copy) => copy.node_id === node.id)
}
