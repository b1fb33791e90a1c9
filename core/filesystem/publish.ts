/** Publishing: what was written to the backing file becomes the file's next version. */
import * as changes from '../catalogue/changes.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import type { Transaction } from '../catalogue/driver.ts'
import { isLater } from '../clock.ts'
import { codeOf, fail } from '../errors.ts'
import type { FileId, NodeId } from '../ids.ts'
import type { Stat } from '../nodes/node.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import { classById, nodesForCopies } from '../placement/placement.ts'
import { isBehind, isFollowed } from './behind.ts'
import { beat } from './clients.ts'
import { distrust, distrustRead } from './distrust.ts'
import { type Filesystem, flushLater, transact, transactUnasked } from './filesystem.ts'
import { catchUp } from './follow.ts'
import { keepWritten } from './keep-stray.ts'
import { bringAlong } from './left-behind.ts'
import { contentDiffers, inTurn, mayHideChanges, type OpenFile } from './open-files.ts'
import { isUnused } from './opening.ts'
import { reclaim } from './reclaim.ts'
import { rememberRemoved } from './removed.ts'

const SYNCED_MAX = 1_000
const S_ISUID = 0o4000
const S_ISGID = 0o2000
const S_IXGRP = 0o0010
/** Pages of a mapping that were dirty at a publish can change again without a sign until they are written back. */
const MAPPING_DOUBT_MS = 100
/** Whoever is overtaken that often enters what he saw: the others publish on, and the last of them what there is then. */
const LOOKS_MAX = 10
/** Each time it was taken away the client was found silent for half a minute. */
const CLAIMS_MAX = 3
const PARTED = 'others have changed it while this process was taken for dead'
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
	if (isBehind(fs) || (fs.shared && !fs.capabilities.synchronous)) yield* catchUp(fs)
	if (!file.pathInDoubt) return
	file.pathInDoubt = false
	try {
		yield* bringAlong(fs, file)
	} catch (error) {
		file.pathInDoubt = true
		throw error
	}
}

export interface Content {
	id: FileId
	nodeId: NodeId
	stat: Stat
	/** `refused`: its disk has not taken some of it. `decided`: somebody says that this is the content. Else a copy in doubt stays in doubt. */
	verdict?: 'refused' | 'decided'
	/** The file's version before it was looked at. Where another has published since, his is younger than what was seen: that is not entered. */
	seen?: number
}

/** Nothing was entered: it is to be looked at again. */
export interface Outdated {
	overtakenBy: FileRow
}

export function contentOf({ id, node, unsynced }: OpenFile, stat: Stat): Content {
	return { id, nodeId: node.id, stat, verdict: unsynced ? 'refused' : undefined }
}

/** The first version of a file whose rows are known, across a socket: that they are still what they were is a condition of the change. Undefined: they are not. */
function* recordUnasked(fs: Filesystem, file: OpenFile, { id, nodeId, stat, verdict }: Content): Op<FileRow | undefined> {
	const { entered } = file
	file.entered = undefined
	if (fs.capabilities.synchronous || !entered || verdict === 'refused') return undefined
	const next = withContent(entered, stat)
	const enter = function* (tx: Transaction) {
		replicas.setVersion(tx, id, nodeId, next.version)
		wantCopies(fs, tx, next, [nodeId])
		changes.insert(tx, fs.client, { op: 'publish', file: id }, fs.capabilities)
		files.setFirstContent(tx, entered, next, nodeId)
		return next
	}
	return yield* transactUnasked(fs, enter, { hold: 'nothing' })
}

/** By the pin that stands; where others took it away, if what is written here is the file still. */
function* recordPinned(fs: Filesystem, file: OpenFile, content: Content): Op<FileRow | Outdated | undefined> {
	const inDoubt = yield* isPinInDoubt(fs, file)
	for (let tries = 1; tries <= CLAIMS_MAX; tries++) {
		const recorded = yield* wait(transact(fs, (tx) => recordIfPinned(fs, tx, content, inDoubt || tries > 1), { hold: 'nothing' }))
		if (recorded !== 'unpinned') return recorded
		// First of all nobody settles this client any more, or the pin would go again.
		yield* beat(fs)
		if (!(yield* reclaim(fs, file))) fail('EIO', PARTED)
	}
	return fail('EIO', 'its pin does not stand')
}

/**
 * Whether the pin has to be asked for. Across a socket that costs nothing, and is always done. Elsewhere the journal has told that clients came or went;
 * after a heartbeat this one is alive for everybody, and knows what it lost.
 */
function* isPinInDoubt(fs: Filesystem, file: OpenFile): Op<boolean> {
	if (!fs.capabilities.synchronous || !file.pinInDoubt) return false
	file.pinInDoubt = false
	yield* beat(fs)
	return true
}

function* recordIfPinned(fs: Filesystem, tx: Transaction, content: Content, inDoubt: boolean): Op<FileRow | Outdated | undefined | 'unpinned'> {
	// What is to be followed yet may be that others settled this client.
	const isAsked = inDoubt || !isFollowed(fs)
	const { row, copies, pins } = yield* readRows(fs, tx, content.id, isAsked)
	if (row && pins && !pins.some((pin) => pin.client_id === fs.client && pin.node_id === content.nodeId)) return 'unpinned'
	return row && enterUnlessOutdated(fs, tx, content, { row, copies })
}

/** What was seen on a node while others may write to the file too. */
export function* recordSeen(fs: Filesystem, tx: Transaction, content: Content): Op<FileRow | Outdated | undefined> {
	const { row, copies } = yield* readRows(fs, tx, content.id)
	return row && enterUnlessOutdated(fs, tx, content, { row, copies })
}

function enterUnlessOutdated(fs: Filesystem, tx: Transaction, content: Content, rows: Rows): FileRow | Outdated {
	const { row } = rows
	return content.seen === undefined || content.seen === row.version ? enterVersion(fs, tx, content, rows) : { overtakenBy: row }
}

/** On further nodes, where its class asks for some. */
function wantCopies(fs: Filesystem, tx: Transaction, row: FileRow, holders: readonly NodeId[], there: readonly ReplicaRow[] = []): void {
	for (const node of nodesForCopies(fs, classById(fs, row.class_id), holders, row.size)) {
		// An old copy that was to go is there still.
		if (there.some((copy) => copy.node_id === node.id)) replicas.setState(tx, row.id, node.id, REPLICA.wanted)
		else replicas.insert(tx, row.id, node.id, 0, REPLICA.wanted)
	}
}

/** The rows of a new version; undefined when the file is gone. */
export function* record(fs: Filesystem, tx: Transaction, content: Content): Op<FileRow | undefined> {
	const { row, copies } = yield* readRows(fs, tx, content.id)
	return row && enterVersion(fs, tx, content, { row, copies })
}

interface Rows {
	row: FileRow
	copies: ReplicaRow[]
}

function* readRows(fs: Filesystem, tx: Transaction, id: FileId, withPins = false): Op<Partial<Rows> & { copies: ReplicaRow[]; pins?: WriterRow[] }> {
	const rows = [files.findQuery(id, fs.capabilities.forUpdate), replicas.ofFileQuery(id)]
	const [[row], copies, pins] = (yield* wait(tx.read(...rows, ...(withPins ? [writers.ofFileQuery(id)] : [])))) as [FileRow[], ReplicaRow[], WriterRow[]?]
	return { row, copies, pins }
}

function enterVersion(fs: Filesystem, tx: Transaction, { id, nodeId, stat, verdict }: Content, { row, copies }: Rows): FileRow {
	const next = withContent(row, stat)
	const own = copies.find((copy) => copy.node_id === nodeId)
	const isInDoubt = verdict === 'refused' || (verdict !== 'decided' && own?.state === REPLICA.suspect)
	if (isInDoubt) return distrust(fs, tx, { row, next, copies, nodeId })
	files.setContent(tx, next)
	if (own?.state === REPLICA.good) replicas.setVersion(tx, id, nodeId, next.version)
	else if (own) replicas.setGood(tx, id, nodeId, next.version)
	else replicas.insert(tx, id, nodeId, next.version, REPLICA.good)
	if (copies.length > 1) replicas.setOthersWanted(tx, id, nodeId)
	const holders = copies.filter((copy) => copy.state !== REPLICA.surplus).map((copy) => copy.node_id)
	wantCopies(fs, tx, next, holders, copies)
	changes.insert(tx, fs.client, { op: 'publish', file: id }, fs.capabilities)
	return next
}

function withContent(row: FileRow, stat: Stat): FileRow {
	const later = isLater({ s: stat.mtime, ns: stat.mtimeNs }, { s: row.ctime, ns: row.ctime_ns })
	return {
		...row,
		size: stat.size,
		blocks: stat.blocks,
		mtime: stat.mtime,
		mtime_ns: stat.mtimeNs,
		ctime: later ? stat.mtime : row.ctime,
		ctime_ns: later ? stat.mtimeNs : row.ctime_ns,
		version: row.version + 1,
	}
}

/** Bits that let a file run as somebody else do not survive a change by anybody who is not root; the group's, where nobody can run it, one by a stranger. */
export function withoutSetId(mode: number, isOfGroup = true): number {
	return mode & ~S_ISUID & (mode & S_IXGRP || !isOfGroup ? ~S_ISGID : ~0)
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
	if (fs.open.get(file.id) === file) fs.open.delete(file.id)
	// An older version of it may be open still.
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

/** close(2) by somebody who may write: what he wrote is the content for everybody, or he is told that its node has not taken it. As `publish` says. */
export function* publishAtClose(fs: Filesystem, file: OpenFile): Op<boolean> {
	if (!file.orphan) yield* onNode(fs, file, () => file.node.operations.flush(file.fd))
	return yield* publish(fs, file, mayHideChanges(file))
}

/** fsync(2): the data is on the disk, the version in the catalogue, and the catalogue's own log on its disk. As `publish` says. */
export function* sync(fs: Filesystem, file: OpenFile, dataOnly: boolean): Op<boolean> {
	yield* onNode(fs, file, () => file.node.operations.sync(file.fd, dataOnly))
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
