/** Modes, owners, times and sizes. */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { ReplicaRow } from '../catalogue/replicas.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { now, type Time, timeWithin } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId, NodeId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { getAttributes } from './lookup.ts'
import { open } from './open.ts'
import type { OpenFile } from './open-files.ts'
import { publish, release } from './publish.ts'
import { withoutSetId } from './set-id.ts'
import { withRoom } from './relocate.ts'
import { hasPlainCopies, onEveryNode } from './remove.ts'
import { findXattr } from './xattrs.ts'

export interface AttributeChange {
	mode?: number
	uid?: number
	gid?: number
	size?: number
	atime?: Time
	mtime?: Time
	/** Whoever asks, with this group, may not keep set-id bits on a file he changes. Without one he is root, and of every group. */
	killSetId?: { gid?: number }
}

/** `file` is the open file the request came through, if it did. */
export function* setAttributes(fs: Filesystem, id: FileId, asked: AttributeChange, file?: OpenFile): Op<FileRow> {
	const change = asked.atime || asked.mtime ? withTimesWithin(asked) : asked
	if (change.size !== undefined) yield* setSize(fs, id, change.size, file)
	const gone = fs.removed.get(id)
	if (gone) gone.row = applied(gone.row, change, now())
	const target = file ?? fs.open.get(id)
	if (!gone && !isContentOnly(change)) yield* target?.orphan ? setOnOrphan(target, change) : setInCatalogue(fs, id, change)
	return yield* getAttributes(fs, id)
}

/** As the kernel does before it writes for anybody but root: what would let the file run as somebody else goes. For doors without one. */
export function* takePrivileges(fs: Filesystem, file: OpenFile): Op<void> {
	const { id, mode } = file.row
	if (mode === withoutSetId(mode) && !(yield* findXattr(fs, id, xattrs.CAPABILITY))) return
	yield* setAttributes(fs, id, { killSetId: {} }, file)
}

function withTimesWithin(change: AttributeChange): AttributeChange {
	return { ...change, atime: change.atime && timeWithin(change.atime), mtime: change.mtime && timeWithin(change.mtime) }
}

function isContentOnly({ mode, uid, gid, atime, mtime, killSetId }: AttributeChange): boolean {
	return mode === undefined && uid === undefined && gid === undefined && !atime && !mtime && !killSetId
}

/** A change of size is a change of content: it goes through the one copy that is being written, and is published. */
function* setSize(fs: Filesystem, id: FileId, size: number, through?: OpenFile): Op<void> {
	if (size > Number.MAX_SAFE_INTEGER) fail('EFBIG')
	const writing = through && through.writers > 0 ? through : undefined
	const file = writing ?? (yield* open(fs, id, { write: true, truncate: size === 0 }))
	try {
		yield* withRoom(fs, file, () => file.node.operations.truncate(file.fd, size), { bytes: 0 })
		if (!writing) yield* publish(fs, file, true)
	} finally {
		if (!writing) yield* release(fs, file, true)
	}
}

/** What the change makes of a row. Every change of attributes is a change of ctime. */
function applied(row: FileRow, change: AttributeChange, time: Time): FileRow {
	const next = { ...row, ctime: time.s, ctime_ns: time.ns }
	if (change.mode !== undefined) next.mode = change.mode & 0o7777
	if (change.uid !== undefined) next.uid = change.uid
	if (change.gid !== undefined) next.gid = change.gid
	if (change.atime) Object.assign(next, { atime: change.atime.s, atime_ns: change.atime.ns })
	if (change.mtime) Object.assign(next, { mtime: change.mtime.s, mtime_ns: change.mtime.ns })
	if (losesSetId(row, change)) next.mode = withoutSetId(next.mode, change.killSetId?.gid === undefined || change.killSetId.gid === row.gid)
	return next
}

/** chown(2) takes set-id bits from anything but a directory, whoever asks. */
function losesSetId(row: FileRow, change: AttributeChange): boolean {
	if (row.kind === KIND.directory) return false
	const chowned = change.mode === undefined && (change.uid !== undefined || change.gid !== undefined)
	return chowned || change.killSetId !== undefined
}

function* setOnOrphan(file: OpenFile, change: AttributeChange): Op<void> {
	file.row = applied(file.row, change, now())
	yield* setOnDescriptor(file, change)
}

function* setInCatalogue(fs: Filesystem, id: FileId, change: AttributeChange): Op<void> {
	const token = fs.nextToken++
	const done = yield* wait(
		transact(fs, function* (tx) {
			const [[row], names, copies, standing] = (yield* wait(
				tx.read(files.findQuery(id, fs.capabilities.forUpdate), entries.namesQuery(id, 1), replicas.ofFileQuery(id), intents.anyQuery()),
			)) as [FileRow[], EntryRow[], ReplicaRow[], unknown[]]
			if (!row) return fail('ESTALE')
			const next = applied(row, change, now())
			files.setAttributes(tx, next)
			if (losesSetId(row, change) && row.flags & files.FLAG_HAS_XATTRS) xattrs.remove(tx, id, xattrs.CAPABILITY)
			changes.insert(tx, fs.client, { op: 'attributes', file: id }, fs.capabilities)
			const plan = names.length === 0 ? [] : yield* planned(fs, tx, { row: next, name: names[0], holders: copies.map((c) => c.node_id), token })
			return { row: next, made: yield* intend(fs, tx, plan, standing.length > 0) }
		}),
	)
	fs.readAhead.forgetFile(id)
	fs.touched.forget(id)
	const file = fs.open.get(id)
	try {
		if (file) yield* setOnOpen(file, done.row, change)
	} finally {
		yield* carryOutAfterwards(fs, done.made)
	}
}

function* planned(
	fs: Filesystem,
	tx: Transaction,
	{ row, name, holders, token }: { row: FileRow; name: EntryRow; holders: NodeId[]; token: number },
): Op<Intent[]> {
	if (!hasPlainCopies(row) && row.kind !== KIND.directory) return []
	const path: Path = joinPath(yield* fs.directories.path(tx, name.parent_id), Buffer.from(name.name))
	const intent = { op: 'attributes', path, toPath: null, fileId: row.id, token } as const
	if (row.kind === KIND.directory) return yield* onEveryNode(tx, intent)
	return holders.map((nodeId) => ({ ...intent, nodeId }))
}

/**
 * A file being written answers for its own times. What it was known by at the last publish stays, so that the next one
 * finds a difference and takes the times over.
 */
function* setOnOpen(file: OpenFile, row: FileRow, change: AttributeChange): Op<void> {
	file.row = row
	if (file.entered) file.entered = row
	if (file.writers > 0) yield* setOnDescriptor(file, change)
}

function* setOnDescriptor(file: OpenFile, change: AttributeChange): Op<void> {
	const { mtime, atime } = change
	if (!mtime && !atime) return
	yield* wait(
		file.node.operations.setFileAttributes(file.fd, { mtime: mtime?.s, mtimeNs: mtime?.ns, atime: atime?.s, atimeNs: atime?.ns }),
	)
}
