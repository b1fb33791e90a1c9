/** Hard links and the targets of symbolic ones. */
import * as changes from '../catalogue/changes.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import { now } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { withBacking } from './lookup.ts'
import { checkPlace, type Place, readPlace } from './names.ts'
import { hasPlainCopies } from './remove.ts'

const LINKS_MAX = 65_000

/** Another name for a file; on the nodes another name of the same inode. ESTALE where the file is gone: its name may be another's by now. */
export function* link(fs: Filesystem, id: FileId, place: Place): Op<FileRow> {
	checkPlace(place)
	const time = now()
	const token = fs.nextToken++
	const turn = fs.touched.begin(place.parent)
	const { directory, row, made } = yield* wait(
		transact(fs, function* (tx) {
			const { directory, existing, standing } = yield* readPlace(fs, tx, place)
			if (existing) fail('EEXIST')
			const [[row], [first], copies] = (yield* wait(
				tx.read(files.findQuery(id, fs.capabilities.forUpdate), entries.namesQuery(id, 1), replicas.ofFileQuery(id)),
			)) as [FileRow[], EntryRow[], ReplicaRow[]]
			if (!row || !first) return fail('ESTALE')
			if (row.kind === KIND.directory) fail('EPERM')
			if (row.nlink >= LINKS_MAX) fail('EMLINK')
			const from = joinPath(yield* fs.directories.path(tx, first.parent_id), Buffer.from(first.name))
			const to = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
			entries.insert(tx, place.parent, place.name, id)
			files.changeLinks(tx, id, 1, time)
			files.touchDirectory(tx, place.parent, time)
			changes.insert(tx, fs.client, { op: 'link', parent: place.parent, name: place.name, file: id }, fs.capabilities)
			const made: Intent[] = hasPlainCopies(row)
				? copies.map((copy) => ({ nodeId: copy.node_id, op: 'link', path: from, toPath: to, fileId: id, token }))
				: []
			const now = yield* intend(fs, tx, made, standing)
			return { directory, row: { ...row, nlink: row.nlink + 1, ctime: time.s, ctime_ns: time.ns }, made: now }
		}),
	)
	fs.readAhead.changedNames(place.parent, place.name)
	fs.touched.keep(turn, directory, time)
	fs.readAhead.forgetFile(id)
	const open = fs.open.get(id)
	if (open) open.row = { ...open.row, nlink: row.nlink, ctime: row.ctime, ctime_ns: row.ctime_ns }
	yield* carryOutAfterwards(fs, made)
	return yield* withBacking(fs, row)
}

export function* readlink(fs: Filesystem, id: FileId): Op<Uint8Array> {
	const row = yield* wait(files.target(fs.catalogue, id))
	// Another client may have put another in its place: the kernel looks the name up once more then.
	if (!row) return fail('ESTALE')
	return row.target ?? fail('EINVAL')
}
