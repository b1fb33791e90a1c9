/** Publishing: what was written to the backing file becomes the file's next version (next-version.ts). And when: at fsync, close, and with the last handle. */
import * as writers from '../catalogue/writers.ts'
import { codeOf, fail } from '../errors.ts'
import type { FileId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import { mayBeBehind } from './behind.ts'
import { distrustRead } from './distrust.ts'
import { type Filesystem, flushLater, transact } from './filesystem.ts'
import { catchUp } from './follow.ts'
import { keepWritten } from './keep-stray.ts'
import { bringAlong } from './left-behind.ts'
import { contentOf, PARTED, recordPinned, recordUnasked } from './next-version.ts'
import { becomeOrphan, contentDiffers, inTurn, mayHideChanges, type OpenFile, stillOpen, withDescriptor } from './open-files.ts'
import { isUnused } from './opening.ts'
import { rememberRemoved } from './removed.ts'

const SYNCED_MAX = 1_000
/** Pages of a mapping that were dirty at a publish can change again without a sign until they are written back. */
const MAPPING_DOUBT_MS = 100
/** Whoever is overtaken that often enters what he saw: the others publish on, and the last of them what there is then. */
const LOOKS_MAX = 10
/** Of a sync: data is lost. A node that is away may still do it when it is back. */
const REFUSED_BY_DISK = new Set(['EIO', 'ENOSPC', 'EDQUOT'])

/**
 * Makes the content of a file open for writing here the file's next version, if it changed since the last time. One at a
 * time for each file. Says whether it took the place of an earlier one: a kernel that moves the data itself does not see what is
 * changed through a mapping, and goes on with the times it knows.
 */
export function* publish(fs: Filesystem, file: OpenFile, force = false): Op<boolean> {
	return yield* inTurn(file, () => publishNow(fs, file, force))
}

/** Where nobody waits who could tell the kernel. */
export function* publishAside(fs: Filesystem, file: OpenFile, force = false): Op<void> {
	if (file.parted) return
	const isNext = yield* publish(fs, file, force)
	if (isNext) fs.onChange({ seq: 0, client_id: fs.client, op: 'attributes', parent_id: null, name: null, file_id: file.id, detail: null })
}

function* publishNow(fs: Filesystem, file: OpenFile, force: boolean): Op<boolean> {
	for (let looks = 1; ; looks++) {
		// Whoever had to wait may find it closed.
		if (file.orphan || file.writers === 0) return false
		const seen = looks < LOOKS_MAX ? file.row.version : undefined
		const begun = file.changes
		const stat = yield* wait(file.node.operations.fstat(file.fd))
		if (!force && file.row.version > 0 && !contentDiffers(stat, file.known)) return false
		if (file.parted) fail('EIO', PARTED)
		yield* checkPath(fs, file)
		const content = { ...contentOf(file, stat), seen }
		const row = (yield* recordUnasked(fs, file, content)) ?? (yield* recordPinned(fs, file, content))
		if (row && 'overtakenBy' in row) {
			file.row = row.overtakenBy
			continue
		}
		file.known = stat
		file.knownAtMs = Date.now()
		file.changesKnown = begun
		file.published = true
		if (row) file.row = row
		else file.orphan = true
		fs.readAhead.forgetFile(file.id)
		return row !== undefined && row.version > 1
	}
}

/** If somebody moved a directory above it while it was made, or opened, it may not be where its name leads. */
function* checkPath(fs: Filesystem, file: OpenFile): Op<void> {
	if (mayBeBehind(fs)) yield* catchUp(fs)
	if (!file.pathInDoubt) return
	file.pathInDoubt = false
	try {
		yield* bringAlong(fs, file)
	} catch (error) {
		file.pathInDoubt = true
		throw error
	}
}

/** One handle less; with the last one that may write the pin goes, with the last one the descriptor. */
export function* release(fs: Filesystem, file: OpenFile, write: boolean): Op<void> {
	file.handles--
	try {
		if (write && !file.orphan) yield* notice(fs, file)
		if (write && !file.orphan) yield* bringOut(fs, file, file.unsynced || mayHaveMappedChanges(file))
	} catch (error) {
		// What is on the disk is not what the catalogue says. Nobody may read another copy meanwhile: the pin stays.
		file.abandoned ||= file.writers === 1
		if (file.abandoned) throw error
	}
	if (write) file.writers--
	yield* letGo(fs, file, write && file.writers === 0)
}

/** Published; or kept, by the last who has it open, where it is not the file any more. Who parted from it was told, or is told at its close. */
function* bringOut(fs: Filesystem, file: OpenFile, force: boolean): Op<void> {
	try {
		yield* publishAside(fs, file, force)
	} catch (error) {
		if (!file.parted) throw error
	}
	if (file.parted && file.writers === 1) yield* keepWritten(fs, file)
}

/** With the last writer the pin goes, with the last handle the descriptor. */
function* letGo(fs: Filesystem, file: OpenFile, isUnpinned: boolean): Op<void> {
	// Who is about to write to it here may count on the pin already, and gives it up in his turn.
	if (isUnpinned && isUnused(fs, file.id)) fs.later.add(writers.removeQuery(file.id, fs.client))
	// Others who close it may have to publish yet, or are about to try again.
	if (file.handles === 0 && file.writers === 0) yield* forget(fs, file)
	if (isUnpinned && file.unsynced && !file.orphan) yield* giveWay(fs, file.id)
}

/** Another copy may be the content from now on, for who opens it here as well. */
function* giveWay(fs: Filesystem, id: FileId): Op<void> {
	yield* wait(flushLater(fs))
	fs.onChange({ seq: 0, client_id: fs.client, op: 'publish', parent_id: null, name: null, file_id: id, detail: null })
}

/** Tries again to publish what could not be when it was closed. */
export function* retryAbandoned(fs: Filesystem, file: OpenFile): Op<void> {
	yield* bringOut(fs, file, true)
	file.abandoned = false
	file.writers--
	yield* letGo(fs, file, true)
}

function mayHaveMappedChanges(file: OpenFile): boolean {
	return file.writers === 1 && file.published && Date.now() - file.knownAtMs > MAPPING_DOUBT_MS
}

function* forget(fs: Filesystem, file: OpenFile): Op<void> {
	if (fs.open.get(file.id) === file) leave(fs, file)
	// One that was opened beside it may be open still.
	if (file.orphan) rememberRemoved(fs, file.row, file.orphanXattrs)
	while (file.publishing) yield* wait(file.publishing)
	const failures: unknown[] = []
	for (const { node, fd } of [...file.retired, file]) {
		try {
			yield* wait(node.operations.close(fd))
		} catch (error) {
			failures.push(error)
		}
	}
	if (failures.length > 0) throw failures[0]
}

/** An older one that is open still is what is open of the file from now on, and has as many names. */
function leave(fs: Filesystem, { id, older, orphan, orphanXattrs }: OpenFile): void {
	const left = stillOpen(older)
	if (!left) {
		fs.open.delete(id)
		return
	}
	if (orphan) becomeOrphan(left, orphanXattrs)
	fs.open.set(id, left)
}

/** close(2) by somebody who may write: what he wrote is the content for everybody, or he is told that its node has not taken it. As `publish` says. */
export function* publishAtClose(fs: Filesystem, file: OpenFile): Op<boolean> {
	if (!file.orphan) yield* onNode(fs, file, () => file.node.operations.flush(file.fd))
	return yield* publish(fs, file, mayHideChanges(file))
}

/** fsync(2): the data is on the disk, the version in the catalogue, and the catalogue's own log on its disk. As `publish` says. */
export function* sync(fs: Filesystem, file: OpenFile, dataOnly: boolean): Op<boolean> {
	yield* onNode(fs, file, () => withDescriptor(file, (fd, { operations }) => operations.sync(fd, dataOnly)))
	const isNext = file.writers > 0 && (yield* publish(fs, file, mayHideChanges(file)))
	yield* wait(fs.catalogue.sync())
	remember(fs, file.id)
	return isNext
}

function remember({ synced }: Filesystem, id: FileId): void {
	synced.delete(id)
	synced.add(id)
	if (synced.size > SYNCED_MAX) for (const oldest of synced.values().take(1)) synced.delete(oldest)
}

/** What the disk refused once is not on it, whatever a second sync answers: the kernel has forgotten it by then. */
function* onNode(fs: Filesystem, file: OpenFile, bring: () => Maybe<void>): Op<void> {
	if (file.unsynced) fail('EIO', 'what was written did not reach the disk')
	try {
		yield* wait(bring())
	} catch (error) {
		if (!REFUSED_BY_DISK.has(codeOf(error))) throw error
		file.unsynced = true
		fs.report(`node ${file.node.name}: ${file.path}: ${codeOf(error)}: what was written is not on the disk, and that copy is in doubt`)
		yield* entered(fs, file)
		throw error
	}
}

/** What was refused since the last close, or of a mapping that outlived it: there is nobody left to be told. */
function* notice(fs: Filesystem, file: OpenFile): Op<void> {
	if (file.unsynced || file.node.remote) return
	try {
		yield* onNode(fs, file, () => file.node.operations.flush(file.fd))
	} catch (error) {
		if (!file.unsynced) throw error
	}
}

/** At once: whoever settles after this process must not take it for content. Failing that, it is tried again at the close. */
function* entered(fs: Filesystem, file: OpenFile): Op<void> {
	try {
		if (file.writers > 0) yield* publish(fs, file, true)
		else yield* wait(transact(fs, (tx) => distrustRead(fs, tx, file)))
	} catch (error) {
		fs.report(`catalogue: ${(error as Error).message}`)
	}
}
