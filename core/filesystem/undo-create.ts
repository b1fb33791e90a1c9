/**
 * A create that did not come about. While it was on its way to its node others saw the name, and may have done with it what they like: what is undone
 * is asked for by the file's id, in the transaction that undoes it.
 */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOut, intend } from './intents.ts'
import { isOn, ownerOf } from './owner-of.ts'
import { pathsOfNames } from './paths.ts'

/** Nobody makes more hard links to a file that is on no node yet. */
const NAMES_MAX = 1_000

/**
 * No node took it: as if it had never been asked for, under whatever names. Whoever found it missing at a path, `seenMissing`, takes it back only
 * while that is one it has. False where it stays.
 */
export function* takeBack(fs: Filesystem, id: FileId, seenMissing?: Path): Op<boolean> {
	const names = yield* wait(transact(fs, (tx) => removeUnmade(fs, tx, id, seenMissing)))
	for (const { parent_id } of names ?? []) fs.readAhead.forgetDirectory(parent_id)
	return names !== undefined
}

function* removeUnmade(fs: Filesystem, tx: Transaction, id: FileId, seenMissing: Path | undefined): Op<EntryRow[] | undefined> {
	const [[row], names] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), entries.namesQuery(id, NAMES_MAX)))) as [FileRow[], EntryRow[]]
	if (row && row.version > 0) return undefined
	if (row && seenMissing && !(yield* isItsPath(fs, tx, names, seenMissing))) return undefined
	for (const { parent_id, name } of names) {
		const place = { parent: parent_id, name: Buffer.from(name) }
		entries.remove(tx, place.parent, place.name)
		changes.insert(tx, fs.client, { op: 'unlink', ...place, file: id }, fs.capabilities)
	}
	files.remove(tx, id)
	replicas.removeAll(tx, id)
	writers.removeAll(tx, id)
	return names
}

function* isItsPath(fs: Filesystem, tx: Transaction, names: readonly EntryRow[], path: Path): Op<boolean> {
	const paths = yield* pathsOfNames(fs, names, tx)
	return paths.some((each) => each.path.equals(path))
}

/** A creation that timed out may still happen; what it leaves is removed when the node answers again. */
export function* undoLater(fs: Filesystem, node: Node, id: FileId, path: Path): Op<void> {
	yield* unlinkAt(fs, node, { id, path }, true)
}

/** What came to a path that is not the file's any more. */
export function* removeLeft(fs: Filesystem, node: Node, id: FileId, path: Path): Op<void> {
	yield* unlinkAt(fs, node, { id, path }, false)
}

/** Unless the path is another's by now, and what comes to stand there his. */
function* unlinkAt(fs: Filesystem, node: Node, { id, path }: { id: FileId; path: Path }, isItsOwn: boolean): Op<void> {
	const intent: Intent = { nodeId: node.id, op: 'unlink', path, toPath: null, fileId: id, token: fs.nextToken++ }
	const made = yield* wait(
		transact(fs, function* (tx) {
			const owner = yield* ownerOf(fs, tx, path)
			const mayGo = owner?.id === id ? isItsOwn : !owner || !(yield* isOn(tx, node, owner))
			return mayGo ? yield* intend(fs, tx, [intent], true) : []
		}),
	)
	yield* carryOut(fs, made)
}
