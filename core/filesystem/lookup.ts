/** A name in a directory, and a file by its id. */
import type { FileRow } from '../catalogue/files.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { KIND } from '../catalogue/files.ts'
import { isLater } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId, Name } from '../ids.ts'
import type { Stat } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { isPromise, type Op, wait } from '../op.ts'
import { isFollowed } from './behind.ts'
import { isCutOff } from './cut-off.ts'
import type { Filesystem } from './filesystem.ts'
import { checkName } from './names.ts'
import { isWrittenHere, type OpenFile } from './open-files.ts'

/** The file a name leads to, or undefined. */
export function* lookup(fs: Filesystem, parent: FileId, name: Name): Op<FileRow | undefined> {
	checkName(name)
	const asked = fs.directories.generation()
	const row = fs.capabilities.synchronous ? yield* find(fs, parent, name) : yield* fs.readAhead.lookup(fs.catalogue, parent, name)
	if (!row) return undefined
	if (row.kind === KIND.directory) fs.directories.learn(asked, row.id, parent, name)
	else if (isPlain(row) && fs.capabilities.synchronous) fs.lookedUp = { parent, name, row }
	return yield* withBacking(fs, row)
}

function* find(fs: Filesystem, parent: FileId, name: Name): Op<FileRow | undefined> {
	const { names } = fs.readAhead
	// What another has committed is not forgotten here yet.
	const isKnown = isFollowed(fs)
	const known = isKnown ? names.find(parent, name) : undefined
	if (known) return known
	const answer = entries.lookup(fs.catalogue, parent, name)
	// Another process has the lock: anything may happen until the answer is there.
	if (isPromise(answer)) return yield* wait(answer)
	if (!answer) fs.absent = { place: { parent, name }, transactions: fs.transactions }
	else if (isKnown && isPlain(answer)) names.keep(parent, name, answer)
	return answer
}

function isPlain({ kind, nlink }: FileRow): boolean {
	return kind === KIND.regular && nlink === 1
}

/** The attributes of a file. ESTALE when nothing knows it any more. */
export function* getAttributes(fs: Filesystem, id: FileId): Op<FileRow> {
	const open = fs.open.get(id)
	if (open?.orphan) return yield* backed(fs, open)
	const row = (fs.shared ? undefined : fs.touched.get(id)) ?? (yield* wait(files.find(fs.catalogue, id)))
	if (!row) return open ? yield* backed(fs, open) : (fs.removed.get(id)?.row ?? fail('ESTALE'))
	return yield* withBacking(fs, row)
}

/** While a file is open for writing here, its backing file says how large it is and when it was changed; while its node is away it is what was known last. */
export function* withBacking(fs: Filesystem, row: FileRow): Op<FileRow> {
	const open = fs.open.get(row.id)
	if (!open || !isWrittenHere(open)) return row
	open.row = { ...row }
	return yield* backed(fs, open)
}

function* backed(fs: Filesystem, open: OpenFile): Op<FileRow> {
	const stat = yield* statOf(fs, open)
	// Whoever closed it has published what it was.
	if (!stat) return yield* getAttributes(fs, open.id)
	const { row } = open
	if (stat === AWAY) return row
	row.size = stat.size
	row.blocks = stat.blocks
	if (stat.mtime !== open.known?.mtime || stat.mtimeNs !== open.known.mtimeNs) {
		row.mtime = stat.mtime
		row.mtime_ns = stat.mtimeNs
		if (isLater({ s: stat.mtime, ns: stat.mtimeNs }, { s: row.ctime, ns: row.ctime_ns })) {
			row.ctime = stat.mtime
			row.ctime_ns = stat.mtimeNs
		}
	}
	return row
}

const AWAY = 'away'

/** Undefined where its last user closed it while a remote node was asked: the number may have been another file's by then. */
function* statOf(fs: Filesystem, open: OpenFile): Op<Stat | typeof AWAY | undefined> {
	const isOpen = () => fs.open.get(open.id) === open
	try {
		const stat = yield* wait(open.node.operations.fstat(open.fd))
		return isOpen() ? stat : undefined
	} catch (error) {
		if (!isOpen()) return undefined
		if (inService(open.node) && !(yield* isCutOff(open))) throw error
		return AWAY
	}
}
