/** Taking names away. */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as nodes from '../catalogue/nodes.ts'
import * as objects from '../catalogue/objects.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { now, type Time } from '../clock.ts'
import { fail } from '../errors.ts'
import type { NodeId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import { checkExpected, type Expected } from './expected.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { checkPlace, type Place, readPlace } from './names.ts'
import { pathsOfNames } from './paths.ts'
import { rememberRemoved } from './removed.ts'
import { keepsRemoved, moveToTrash } from './trash.ts'

export function* unlink(fs: Filesystem, place: Place, expected: Expected = {}): Op<void> {
	checkPlace(place)
	if (!expected.forGood && keepsRemoved(fs) && (yield* moveToTrash(fs, place, expected))) return
	const time = now()
	const token = fs.nextToken++
	const turn = fs.touched.begin(place.parent)
	const { directory, row, made } = yield* wait(transact(fs, (tx) => removeEntry(fs, tx, { place, expected, token, time })))
	fs.readAhead.changedNames(place.parent)
	fs.touched.keep(turn, directory, time)
	lostName(fs, row, time)
	yield* carryOutAfterwards(fs, made)
}

function* removeEntry(
	fs: Filesystem,
	tx: Transaction,
	{ place, expected, token, time }: { place: Place; expected: Expected; token: number; time: Time },
): Op<{ directory: FileRow; row: FileRow; made: Intent[] }> {
	const { directory, existing, standing } = yield* readPlace(fs, tx, place)
	if (!existing) return fail('ENOENT')
	if (existing.kind === KIND.directory) fail('EISDIR')
	yield* checkExpected(tx, existing, expected)
	const path = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
	const removal = yield* removeName(fs, tx, { row: existing, path, token, time })
	const made = yield* intend(fs, tx, removal.made, standing)
	entries.remove(tx, place.parent, place.name)
	files.touchDirectory(tx, place.parent, time)
	changes.insert(tx, fs.client, { op: 'unlink', parent: place.parent, name: place.name, file: existing.id }, fs.capabilities)
	return { directory, row: existing, made }
}

export interface Removal {
	made: Intent[]
	/** Where something of that name is. */
	having: ReadonlySet<NodeId>
}

/**
 * The rows and intents of a name that goes, its entry still there: with the last name goes the file. On a node that knows no hard links it may be
 * the only one there is; then the copy first goes to another.
 */
export function* removeName(
	fs: Filesystem,
	tx: Transaction,
	{ row, path, token, time }: { row: FileRow; path: Path; token: number; time: Time },
): Op<Removal> {
	const queries = row.nlink > 1 ? [replicas.ofFileQuery(row.id), entries.namesQuery(row.id, 2)] : [replicas.ofFileQuery(row.id)]
	const [copies, names = []] = hasPlainCopies(row) ? ((yield* wait(tx.read(...queries))) as [ReplicaRow[], EntryRow[]?]) : [[]]
	const onEach = (op: Intent['op'], toPath: Path | null) => copies.map((copy): Intent => ({ nodeId: copy.node_id, op, path, toPath, fileId: row.id, token }))
	const made = onEach('unlink', null)
	if (names.length > 1) {
		const other = (yield* pathsOfNames(fs, names, tx)).find((name) => !name.path.equals(path))
		if (other) made.unshift(...onEach('move', other.path))
	}
	if (row.nlink > 1) files.changeLinks(tx, row.id, -1, time)
	else removeFile(tx, row)
	return { made, having: new Set(copies.filter(replicas.hasCome).map((copy) => copy.node_id)) }
}

export function hasPlainCopies(row: FileRow): boolean {
	return row.kind === KIND.regular || row.kind === KIND.symlink
}

/** A writer's row stays until the writer closes: it says where the content of an unlinked file is. */
function removeFile(tx: Transaction, row: FileRow): void {
	files.remove(tx, row.id)
	if (hasPlainCopies(row)) replicas.removeAll(tx, row.id)
	if (row.flags & files.FLAG_HAS_XATTRS) xattrs.removeAll(tx, row.id)
	if (row.flags & files.FLAG_IS_OBJECT) objects.removeOfFile(tx, row.id)
}

/** What is open here under that name. */
export function lostName(fs: Filesystem, row: FileRow, time: Time): void {
	fs.readAhead.forgetFile(row.id)
	const isLast = row.kind === KIND.directory || row.nlink <= 1
	const left = { nlink: isLast ? 0 : row.nlink - 1, ctime: time.s, ctime_ns: time.ns }
	if (isLast && row.kind !== KIND.regular) rememberRemoved(fs, { ...row, ...left })
	const open = fs.open.get(row.id)
	if (!open) return
	open.row = { ...open.row, ...left }
	open.orphan = isLast
}

export function* removeDirectory(fs: Filesystem, place: Place, expected: Expected = {}): Op<void> {
	checkPlace(place)
	const time = now()
	const token = fs.nextToken++
	const turn = fs.touched.begin(place.parent)
	const { directory, row, made } = yield* wait(
		transact(fs, function* (tx) {
			const { directory, existing, standing } = yield* readPlace(fs, tx, place)
			if (!existing) return fail('ENOENT')
			if (existing.kind !== KIND.directory) fail('ENOTDIR')
			yield* checkExpected(tx, existing, expected)
			const path = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
			yield* removeEmptyDirectory(tx, existing)
			const plan = yield* onEveryNode(tx, { op: 'rmdir', path, toPath: null, fileId: existing.id, token })
			const made = yield* intend(fs, tx, plan, standing)
			entries.remove(tx, place.parent, place.name)
			files.touchDirectory(tx, place.parent, time, -1)
			changes.insert(tx, fs.client, { op: 'rmdir', parent: place.parent, name: place.name, file: existing.id }, fs.capabilities)
			return { directory, row: existing, made }
		}),
	)
	fs.readAhead.changedNames(place.parent)
	fs.touched.keep(turn, directory, time, -1)
	fs.touched.forget(row.id)
	fs.directories.forgetOne(row.id)
	lostName(fs, row, time)
	yield* carryOutAfterwards(fs, made)
}

/** Its row, its entry apart. ENOTEMPTY as long as a name is in it. */
export function* removeEmptyDirectory(tx: Transaction, row: FileRow): Op<void> {
	const [any] = yield* wait(tx.read(entries.anyQuery(row.id)))
	if (any.length > 0) fail('ENOTEMPTY')
	files.remove(tx, row.id)
	if (row.flags & files.FLAG_HAS_XATTRS) xattrs.removeAll(tx, row.id)
}

/** A directory may have been made on any node, also on one that this client has not heard of yet. */
export function* onEveryNode(tx: Transaction, intent: Omit<Intent, 'nodeId'>): Op<Intent[]> {
	const rows = yield* wait(nodes.living(tx))
	return rows.map(({ id }) => ({ ...intent, nodeId: id }))
}

