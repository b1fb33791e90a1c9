/** Publishing: what was written to the backing file becomes the file's next version. */
import * as changes from '../catalogue/changes.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { Transaction } from '../catalogue/driver.ts'
import type { FileId, NodeId } from '../ids.ts'
import type { Stat } from '../nodes/node.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { classById, nodesForCopies } from '../placement/placement.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { contentDiffers, type OpenFile } from './open-files.ts'

const S_ISUID = 0o4000
const S_ISGID = 0o2000
const S_IXGRP = 0o0010
/** Pages of a mapping that were dirty at a publish can change again without a sign until they are written back. */
const MAPPING_DOUBT_MS = 100

/**
 * Makes the content of a file open for writing here the file's next version, if it changed since the last time. One at a
 * time for each file.
 */
export function* publish(fs: Filesystem, file: OpenFile, force = false): Op<void> {
	while (file.publishing) yield* wait(file.publishing)
	const result = run(publishNow(fs, file, force))
	if (!isPromise(result)) return
	file.publishing = result.catch(() => undefined)
	try {
		yield* wait(result)
	} finally {
		file.publishing = undefined
	}
}

function* publishNow(fs: Filesystem, file: OpenFile, force: boolean): Op<void> {
	if (file.orphan) return
	const stat = yield* wait(file.node.operations.fstat(file.fd))
	if (!force && file.row.version > 0 && !contentDiffers(stat, file.known)) return
	const row = yield* wait(transact(fs, (tx) => record(fs, tx, { id: file.id, nodeId: file.node.id, stat })))
	file.known = stat
	file.publishedAtMs = Date.now()
	file.published = true
	if (row) file.row = row
	else file.orphan = true
	fs.readAhead.forgetFile(file.id)
}

export interface Content {
	id: FileId
	nodeId: NodeId
	stat: Stat
}

/** The rows of a new version; undefined when the file is gone. */
export function* record(fs: Filesystem, tx: Transaction, { id, nodeId, stat }: Content): Op<FileRow | undefined> {
	const [[row], copies] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), replicas.ofFileQuery(id)))) as [FileRow[], ReplicaRow[]]
	if (!row) return undefined
	const next = withContent(row, stat)
	files.setContent(tx, next)
	replicas.setGood(tx, id, nodeId, next.version)
	if (copies.length > 1) replicas.setOthersWanted(tx, id, nodeId)
	const holders = copies.filter((copy) => copy.state !== REPLICA.surplus).map((copy) => copy.node_id)
	for (const node of nodesForCopies(fs, classById(fs, row.class_id), holders, stat.size)) {
		replicas.insert(tx, id, node.id, 0, REPLICA.wanted)
	}
	changes.insert(tx, fs.client, { op: 'publish', file: id }, fs.capabilities)
	return next
}

function withContent(row: FileRow, stat: Stat): FileRow {
	const later = stat.mtime > row.ctime || (stat.mtime === row.ctime && stat.mtimeNs > row.ctime_ns)
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

/** Bits that let a file run as somebody else do not survive a change by anybody who is not root. */
export function withoutSetId(mode: number): number {
	return mode & ~S_ISUID & (mode & S_IXGRP ? ~S_ISGID : ~0)
}

/** One handle less; with the last one that may write the pin goes, with the last one the descriptor. */
export function* release(fs: Filesystem, file: OpenFile, write: boolean): Op<void> {
	try {
		if (write && !file.orphan) yield* publish(fs, file, mayHaveMappedChanges(file))
	} finally {
		if (write) file.writers--
		file.handles--
		if (write && file.writers === 0 && !file.orphan) fs.later.add(writers.removeQuery(file.id, fs.client))
		if (file.handles === 0) yield* forget(fs, file)
	}
}

function mayHaveMappedChanges(file: OpenFile): boolean {
	return file.writers === 1 && file.published && Date.now() - file.publishedAtMs > MAPPING_DOUBT_MS
}

function* forget(fs: Filesystem, file: OpenFile): Op<void> {
	if (fs.open.get(file.id) === file) fs.open.delete(file.id)
	for (const { node, fd } of [...file.retired, file]) yield* wait(node.operations.close(fd))
}

/** fsync(2): the data is on the disk, the version in the catalogue, and the catalogue's own log on its disk. */
export function* sync(fs: Filesystem, file: OpenFile, dataOnly: boolean): Op<void> {
	yield* wait(file.node.operations.sync(file.fd, dataOnly))
	if (file.writers > 0) yield* publish(fs, file)
	yield* wait(fs.catalogue.sync())
}
