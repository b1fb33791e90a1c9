/**
 * Keeping others away from where a file belongs on a node while it is brought there. An intent to rename something that is nowhere stands on its first name:
 * until it is carried out, which does nothing, whoever decides anything about that path waits behind it. So what stands there is the file's own,
 * or unknown. With it go the intents for its other names, which have something to link only then.
 */
import { randomUUID } from 'node:crypto'
import { awakeMs } from '../awake.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import { fail } from '../errors.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { intendNow } from './intents.ts'
import { type NamedPath, pathsOfNames } from './paths.ts'

const INTENT_POLL_MS = 20
/** Of a file with more hard links the rest comes with its next copy. */
const NAMES_MAX = 100

export interface Held extends NamedPath {
	others: NamedPath[]
	/** Undefined of a file that has no name any more: `path` is a place then that none leads to. */
	row: FileRow | undefined
	/** To be carried out when it is there. Takes it away again where it has no name. */
	made: Intent[]
}

/** Where it belongs; at `known`, should that be one of its names still. EIO where older intents keep standing. */
export function* hold(fs: Filesystem, node: Node, id: FileId, known?: Path): Op<Held> {
	const nowhere = { parent: ROOT_ID, path: Buffer.from(`.cairn/incoming/${id}-${randomUUID()}`) }
	const intent = { nodeId: node.id, fileId: id, token: fs.nextToken++ }
	const deadlineMs = awakeMs() + fs.config.nodeDeadlineMs
	for (;;) {
		const held = yield* wait(
			transact(fs, function* (tx): Op<Held> {
				const { row, places } = yield* findPlaces(fs, tx, id, known)
				const [first = nowhere, ...others] = places
				return { ...first, others, row, made: yield* intendNow(fs, tx, planOf(intent, nowhere.path, first.path, others)) }
			}),
		)
		if (held.made.length > 0) return held
		if (awakeMs() > deadlineMs) fail('EIO', `node ${node.name} has not come to that path yet`)
		yield* wait(new Promise((resolve) => setTimeout(resolve, INTENT_POLL_MS)))
	}
}

function planOf(intent: Pick<Intent, 'nodeId' | 'fileId' | 'token'>, nowhere: Path, path: Path, others: readonly NamedPath[]): Intent[] {
	if (path === nowhere) return [{ ...intent, op: 'unlink', path, toPath: null }]
	return [{ ...intent, op: 'rename', path: nowhere, toPath: path }, ...others.map((other): Intent => ({ ...intent, op: 'link', path, toPath: other.path }))]
}

/** The file, locked, and its names, which nobody changes then. */
function* findPlaces(fs: Filesystem, tx: Transaction, id: FileId, known: Path | undefined): Op<{ row: FileRow | undefined; places: NamedPath[] }> {
	const [[row], names] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), entries.namesQuery(id, NAMES_MAX)))) as [FileRow[], EntryRow[]]
	if (!row || names.length === 0) return { row: undefined, places: [] }
	const places = yield* pathsOfNames(fs, names, tx)
	return { row, places: known ? [...places.filter(({ path }) => path.equals(known)), ...places.filter(({ path }) => !path.equals(known))] : places }
}
