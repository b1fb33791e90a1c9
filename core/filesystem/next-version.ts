/** The rows of a file's next version: what is on one node is the content from now on, and what others have is to be replaced. */
import * as changes from '../catalogue/changes.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import type { Transaction } from '../catalogue/driver.ts'
import { isLater } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId, NodeId } from '../ids.ts'
import type { Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { classById, nodesForCopies } from '../placement/placement.ts'
import { isFollowed } from './behind.ts'
import { beat } from './clients.ts'
import { distrust } from './distrust.ts'
import { type Filesystem, transact, transactUnasked } from './filesystem.ts'
import type { OpenFile } from './open-files.ts'
import { reclaim } from './reclaim.ts'
import { noteIfWithoutRoom } from './without-room.ts'

/** Each time it was taken away the client was found silent for half a minute. */
const CLAIMS_MAX = 3
export const PARTED = 'others have changed it while this process was taken for dead'

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
export function* recordUnasked(fs: Filesystem, file: OpenFile, { id, nodeId, stat, verdict }: Content): Op<FileRow | undefined> {
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
export function* recordPinned(fs: Filesystem, file: OpenFile, content: Content): Op<FileRow | Outdated | undefined> {
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
	const rule = classById(fs, row.class_id)
	const chosen = nodesForCopies(fs, rule, holders, row.size)
	noteIfWithoutRoom(fs, tx, rule, [...holders, ...chosen.map(({ id }) => id)])
	for (const node of chosen) {
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
	const holders = copies.filter((copy) => copy.state !== REPLICA.surplus).map((copy) => copy.node_id)
	if (isInDoubt) {
		const doubted = distrust(fs, tx, { row, next, copies, nodeId })
		if (doubted === next) wantCopies(fs, tx, next, holders, copies)
		return doubted
	}
	files.setContent(tx, next)
	if (own?.state === REPLICA.good) replicas.setVersion(tx, id, nodeId, next.version)
	else if (own) replicas.setGood(tx, id, nodeId, next.version)
	else replicas.insert(tx, id, nodeId, next.version, REPLICA.good)
	if (copies.length > 1) replicas.setOthersWanted(tx, id, nodeId)
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
