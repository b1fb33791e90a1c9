/**
 * What was written after the manifests were. A manifest is some minutes old; a file that was changed in place since then has
 * another size or time on its node than is known, and was changed there after the manifest was written. That content is the
 * file's: it becomes the next version, as if the writer had ended without a word. And what was closed to others since stays closed.
 */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import * as files from '../../core/catalogue/files.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { isLater } from '../../core/clock.ts'
import { Errno } from '../../core/errors.ts'
import { takeBack } from '../../core/filesystem/undo-create.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { record } from '../../core/filesystem/next-version.ts'
import type { FileId, Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import { S_IFMT, S_IFREG } from '../../core/nodes/stat.ts'
import { run as drive, wait } from '../../core/op.ts'
import { FILE_COLUMNS, type FileRecord } from '../manifest/format.ts'
import { pagesOfRecords } from '../manifest/records.ts'
import type { Job, Replicator } from '../replicator.ts'

/** The clocks of two machines. */
const DOUBT_SECONDS = 120
/** Whether its owner may read and write it does not show: on a node each file may be kept open to the process that keeps it. */
const PERMISSIONS_SHOWN = 0o177

/** `knownAt`: when the newest of what the catalogue was made from was written, Unix seconds. */
export const takeNewer = (knownAt: number): Job => ({ what: 'reindex', ofTree: true, work: (replicator) => work(replicator, knownAt - DOUBT_SECONDS) })

async function work(replicator: Replicator, since: number): Promise<void> {
	const { fs, run } = replicator
	const source = { all: async <T>(sql: string, params?: Parameters<typeof fs.catalogue.all>[1]) => fs.catalogue.all<T>(sql, params) }
	for await (const { records } of pagesOfRecords(source)) {
		for (const each of records) {
			if (run.signal.aborted) return
			const row = rowOf(each)
			if (row.kind === KIND.regular && each.names.length > 0) await settle(replicator, each, row, since)
		}
	}
}

function rowOf({ file }: FileRecord): FileRow {
	return Object.fromEntries(FILE_COLUMNS.map((column, i) => [column, file[i]])) as unknown as FileRow
}

interface Seen {
	node: Node
	stat: Stat
}

async function settle(replicator: Replicator, { names, replicas }: FileRecord, row: FileRow, since: number): Promise<void> {
	const { fs, run } = replicator
	const path = joinPath(await drive(fs.directories.path(fs.catalogue, names[0].parent)), Buffer.from(names[0].name))
	const seen: Seen[] = []
	let away = 0
	for (const { node: id } of replicas) {
		const node = fs.nodes.get(id)
		const stat = node && inService(node) ? await statOf(node, path) : undefined
		if (!node || !inService(node)) away++
		if (node && stat) seen.push({ node, stat })
	}
	const mode = modeSince(seen, row, since)
	if (mode !== undefined) await drive(setAttributes(fs, row.id, { mode }))
	const newer = seen.filter(({ stat }) => row.version === 0 || isNewer(stat, row, since)).sort((a, b) => (isLater(timeOf(a.stat), timeOf(b.stat)) ? -1 : 1))
	if (newer.length > 0) return await publishNewest(replicator, { row, path, newer })
	// A create that reached no node was never acknowledged.
	if (row.version === 0 && away === 0) await drive(takeBack(fs, row.id, path))
	run.done(mode === undefined ? 'known' : 'permissions', 0)
}

/**
 * What was taken from group and others shows in the copy that was touched last, if that was after the manifest. Nothing is given: a node may have
 * modes of its own. Undefined where nothing changes.
 */
function modeSince(seen: readonly Seen[], row: FileRow, since: number): number | undefined {
	const [last] = seen.map(({ stat }) => stat).sort((a, b) => b.ctime - a.ctime)
	if (!last || last.ctime <= since) return undefined
	const mode = row.mode & (last.mode | ~PERMISSIONS_SHOWN)
	return mode === row.mode ? undefined : mode
}

async function statOf(node: Node, path: Path): Promise<Stat | undefined> {
	try {
		const stat = await node.operations.stat(path)
		return (stat.mode & S_IFMT) === S_IFREG ? stat : undefined
	} catch (error) {
		if (error instanceof Errno) return undefined
		throw error
	}
}

function timeOf({ mtime, mtimeNs }: Stat): { s: number; ns: number } {
	return { s: mtime, ns: mtimeNs }
}

function isNewer(stat: Stat, row: FileRow, since: number): boolean {
	const isSame = stat.size === row.size && stat.mtime === row.mtime && stat.mtimeNs === row.mtime_ns
	return !isSame && (isLater(timeOf(stat), { s: row.mtime, ns: row.mtime_ns }) || stat.ctime > since)
}

async function publishNewest({ fs, run }: Replicator, { row, path, newer }: { row: FileRow; path: Path; newer: Seen[] }): Promise<void> {
	const [best, ...others] = newer
	const isTaken = await transact(fs, function* (tx) {
		const [[now], pins] = (yield* wait(tx.read(files.findQuery(row.id, fs.capabilities.forUpdate), writers.ofFileQuery(row.id)))) as [FileRow[], unknown[]]
		if (!now || now.version !== row.version || pins.length > 0) return false
		yield* record(fs, tx, { id: row.id, nodeId: best.node.id, stat: best.stat, verdict: 'decided' })
		return true
	})
	if (!isTaken) return run.done('busy', 0)
	run.done('newer', best.stat.size)
	for (const other of others) if (!isAlike(other.stat, best.stat)) await keepAside(fs, row.id, path, other)
}

function isAlike(a: Stat, b: Stat): boolean {
	return a.size === b.size && a.mtime === b.mtime && a.mtimeNs === b.mtimeNs
}

/** Both were changed, and only one can be the file. */
async function keepAside(fs: Replicator['fs'], fileId: FileId, path: Path, { node, stat }: Seen): Promise<void> {
	const aside = await node.operations.setAside(path)
	await transact(fs, function* (tx) {
		conflicts.insert(tx, { nodeId: node.id, path, aside, fileId, reason: 'differs', size: stat.size, mtime: stat.mtime }, fs.capabilities)
	})
}
