/**
 * A file was made, or opened, where its directory was then. If that was moved in between, the file may have been left behind on its node: it is brought
 * to where its name leads, by an intent that is decided with that name locked. Others may be about to give both paths to files of theirs.
 */
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import type { FileId, Path } from '../ids.ts'
import type { Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOut, intend, leave } from './intents.ts'
import { isAt } from './is-at.ts'
import type { OpenFile } from './open-files.ts'
import { isOn, ownerOf } from './owner-of.ts'
import { pathsOf, pathsOfNames } from './paths.ts'

export function* bringAlong(fs: Filesystem, file: OpenFile): Op<void> {
	const [name] = yield* pathsOf(fs, file.id, 1)
	if (!name || name.path.equals(file.path)) return
	const own = yield* wait(file.node.operations.fstat(file.fd))
	if (!(yield* isAt(file.node, file.path, own))) {
		file.path = name.path
		return
	}
	const { path, made } = yield* wait(transact(fs, (tx) => decide(fs, tx, file)))
	// Whoever had something to do there before may have taken it along.
	if (yield* isStillAt(fs, file, own, made)) yield* carryOut(fs, made)
	else drop(fs, made)
	file.path = path
}

function* isStillAt(fs: Filesystem, { node, path }: OpenFile, own: Stat, made: readonly Intent[]): Op<boolean> {
	try {
		return yield* isAt(node, path, own)
	} catch (error) {
		leave(fs, node, made)
		throw error
	}
}

/** Nothing is moved from a path that is another's: what is found there may be his in a moment. */
function* decide(fs: Filesystem, tx: Transaction, { id, node, path: from }: OpenFile): Op<{ path: Path; made: Intent[] }> {
	const path = yield* ownPath(fs, tx, id)
	const owner = yield* ownerOf(fs, tx, from)
	if (!path || path.equals(from) || (owner && (yield* isOn(tx, node, owner)))) return { path: path ?? from, made: [] }
	const intent: Intent = { nodeId: node.id, op: 'rename', path: from, toPath: path, fileId: id, token: fs.nextToken++, isNew: true }
	return { path, made: yield* intend(fs, tx, [intent], true) }
}

function* ownPath(fs: Filesystem, tx: Transaction, id: FileId): Op<Path | undefined> {
	const [[row], names] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), entries.namesQuery(id, 1)))) as [FileRow[], EntryRow[]]
	const [first] = row ? yield* pathsOfNames(fs, names, tx) : []
	return first?.path
}

function drop(fs: Filesystem, made: readonly Intent[]): void {
	for (const intent of made) {
		fs.later.add(intents.doneQuery(fs.client, intent))
		fs.carrying.delete(intent.token)
	}
}
