/**
 * What came back from a site takes its place in the tree. Where the file is there and only its copies are lost, the bytes become
 * a copy of it: its number, names and attributes stay as they are. Else it becomes a file of that path.
 */
import * as changes from '../catalogue/changes.ts'
import type { OrderRow } from '../catalogue/backup-orders.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as hashes from '../catalogue/hashes.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import { now } from '../clock.ts'
import { fail } from '../errors.ts'
import { setAttributes } from '../filesystem/attributes.ts'
import { makeDirectory } from '../filesystem/create.ts'
import { joinPath } from '../filesystem/directories.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import { hold } from '../filesystem/hold.ts'
import { carryOut, intend } from '../filesystem/intents.ts'
import { keepStray } from '../filesystem/keep-stray.ts'
import { makeParents } from '../filesystem/way-on-node.ts'
import type { Place } from '../filesystem/names.ts'
import { pathsOfNames } from '../filesystem/paths.ts'
import { rename } from '../filesystem/rename.ts'
import { SCRATCH } from '../filesystem/scratch.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import { createFinder } from './at-path.ts'
import { dropScratch, dropScratchDirectory, findScratch } from './upload.ts'

const NAMES_MAX = 1_000
const NEW_DIRECTORY = { mode: 0o755, uid: 0, gid: 0 }
const SLASH = 0x2f

/** EEXIST where the path leads to something else by now and the order does not say that it may go. */
function* putBack(fs: Filesystem, order: OrderRow): Op<void> {
	const to = Buffer.from(order.to_path as Uint8Array)
	const scratch = yield* findScratch(fs, order.id)
	if (!scratch) return fail('ENOENT', 'what came back is gone')
	const there = yield* createFinder()(fs.catalogue, to)
	if (there && (yield* isSame(fs, there, order))) {
		if (yield* becomeCopy(fs, there, scratch, order)) return yield* dropScratchDirectory(fs)
	}
	if (there && order.kind !== 'overwrite') return fail('EEXIST', 'something else has this path now')
	const place = yield* placeOf(fs, to)
	const { mode, uid, gid, mtime: s, mtime_ns: ns } = order
	yield* setAttributes(fs, scratch.row.id, { mode, uid, gid, mtime: { s, ns } })
	yield* rename(fs, scratch.place, place, order.kind === 'overwrite' ? 'replace' : 'noreplace')
	yield* dropScratchDirectory(fs)
}

/** Whether a file of the tree has, or had before its copies were lost, the content that comes back. */
export function* isSame(fs: Filesystem, there: FileRow, order: Pick<OrderRow, 'size' | 'hash' | 'file_id' | 'version'>): Op<boolean> {
	if (there.kind !== KIND.regular || there.size !== order.size) return false
	const row = yield* wait(hashes.find(fs.catalogue, there.id))
	const hash = row && hashes.hashOf(row)
	if (hash && order.hash !== null) return hash.equals(Buffer.from(order.hash))
	return there.id === order.file_id && there.version === order.version
}

interface Scratch {
	place: Place
	row: FileRow
}

/** False where somebody changed one of the two meanwhile. */
function* becomeCopy(fs: Filesystem, there: FileRow, scratch: Scratch, order: OrderRow): Op<boolean> {
	const [copies] = (yield* wait(fs.catalogue.read(replicas.ofFileQuery(scratch.row.id)))) as [ReplicaRow[]]
	const node = copies.filter((copy) => copy.version === scratch.row.version && copy.state === REPLICA.good).flatMap(({ node_id }) => fs.nodes.get(node_id) ?? [])[0]
	if (!node) return fail('EIO', 'the node that took it is away')
	yield* prepare(fs, node, there)
	const token = fs.nextToken++
	const made = yield* wait(transact(fs, (tx) => enter(fs, tx, { there, scratch, node, token, order })))
	if (!made) return false
	fs.readAhead.forgetFile(there.id)
	fs.touched.forget(scratch.place.parent)
	yield* carryOut(fs, made)
	return true
}

/**
 * Directories on the node. What stands at one of the file's paths there and is no good copy of it may be somebody's work: it is kept aside, when all that was
 * decided about that path is carried out, or it could be another file on its way elsewhere.
 */
function* prepare(fs: Filesystem, node: Node, { id, version }: FileRow): Op<void> {
	const queries = [entries.namesQuery(id, NAMES_MAX), replicas.ofFileQuery(id), writers.ofFileQuery(id)]
	const [names, copies, pins] = (yield* wait(fs.catalogue.read(...queries))) as [EntryRow[], ReplicaRow[], unknown[]]
	for (const { parent } of yield* pathsOfNames(fs, names)) yield* makeParents(fs, node, parent)
	const isGood = copies.some((copy) => copy.node_id === node.id && copy.state === REPLICA.good && copy.version === version)
	if (isGood || pins.length > 0) return
	const { row, path, others, made } = yield* hold(fs, node, id)
	try {
		if (row) for (const each of [path, ...others.map((other) => other.path)]) yield* keepStray(fs, node, each)
	} finally {
		yield* carryOut(fs, made)
	}
}

function* enter(
	fs: Filesystem,
	tx: Transaction,
	{ there, scratch, node, token, order }: { there: FileRow; scratch: Scratch; node: Node; token: number; order: OrderRow },
): Op<Intent[] | undefined> {
	const { forUpdate } = fs.capabilities
	const ids = [there.id, scratch.row.id, scratch.place.parent].sort((a, b) => a - b)
	const [first, second, third, pins, ownPins, names, copies, ownCopies] = (yield* wait(
		tx.read(
			...ids.map((id) => files.findQuery(id, forUpdate)),
			writers.ofFileQuery(there.id),
			writers.ofFileQuery(scratch.row.id),
			entries.namesQuery(there.id, NAMES_MAX),
			replicas.ofFileQuery(there.id),
			replicas.ofFileQuery(scratch.row.id),
		),
	)) as [FileRow[], FileRow[], FileRow[], unknown[], writers.WriterRow[], EntryRow[], ReplicaRow[], ReplicaRow[]]
	const rows = [first, second, third].flat()
	const { flags } = rows.find(({ id }) => id === there.id) ?? there
	const isAsBefore = (row: FileRow) => rows.some(({ id, version }) => id === row.id && version === row.version)
	const isFree = pins.length === 0 && ownPins.every((pin) => pin.client_id === fs.client)
	if (!isAsBefore(there) || !isAsBefore(scratch.row) || !isFree || names.length === 0 || names.length === NAMES_MAX) return undefined
	const paths = (yield* pathsOfNames(fs, names, tx)).map(({ path }) => path)
	const from = joinPath(SCRATCH, scratch.place.name)
	const time = now()
	entries.remove(tx, scratch.place.parent, scratch.place.name)
	files.remove(tx, scratch.row.id)
	files.touchDirectory(tx, scratch.place.parent, time)
	replicas.removeAll(tx, scratch.row.id)
	const replaced = copies.find((copy) => copy.node_id === node.id) ?? spareWanted(fs, there, copies, node)
	if (replaced) replicas.remove(tx, there.id, replaced.node_id)
	replicas.insert(tx, there.id, node.id, there.version, REPLICA.good)
	if (order.hash !== null) hashes.setHash(tx, there.id, there.version, order.hash)
	changes.insert(tx, fs.client, { op: 'unlink', ...scratch.place, file: scratch.row.id }, fs.capabilities)
	changes.insert(tx, fs.client, { op: 'publish', file: there.id }, fs.capabilities)
	const common = { fileId: there.id, token, nodeId: node.id } as const
	const others = ownCopies.filter((copy) => copy.node_id !== node.id)
	return yield* intend(
		fs,
		tx,
		[
			{ ...common, op: 'rename', path: from, toPath: paths[0], isNew: true },
			...paths.slice(1).map((path): Intent => ({ ...common, op: 'link', path: paths[0], toPath: path })),
			{ ...common, op: 'attributes', path: paths[0], toPath: null },
			...(flags & files.FLAG_HAS_XATTRS ? [{ ...common, op: 'xattrs', path: paths[0], toPath: null } satisfies Intent] : []),
			...others.map((copy): Intent => ({ op: 'unlink', path: from, toPath: null, fileId: scratch.row.id, token, nodeId: copy.node_id })),
		],
		true,
	)
}

/**
 * A copy that was to be made where there is nothing yet, and need not be made with this one here: there would be one more than the class asks
 * for. The zones stay as many as they were to be.
 */
function spareWanted(fs: Filesystem, file: FileRow, copies: readonly ReplicaRow[], node: Node): ReplicaRow | undefined {
	const rule = classById(fs, file.class_id)
	const counted = copies.filter(({ state }) => state === REPLICA.good || state === REPLICA.wanted)
	if (counted.length < rule.copies) return undefined
	const zoneOf = (copy: ReplicaRow) => fs.nodes.get(copy.node_id)?.row.zone
	const zonesWithout = (gone: ReplicaRow) => new Set([node.row.zone, ...counted.filter((copy) => copy !== gone).map(zoneOf)]).size
	const zones = Math.min(rule.zones, new Set(counted.map(zoneOf)).size)
	return counted.find((copy) => copy.state === REPLICA.wanted && copy.version === 0 && zonesWithout(copy) >= zones)
}

/** The directory a path is in, made where it is missing. */
function* placeOf(fs: Filesystem, path: Path): Op<Place> {
	let parent: FileId = ROOT_ID
	let from = 0
	for (let slash = path.indexOf(SLASH); slash !== -1; slash = path.indexOf(SLASH, from)) {
		parent = yield* directoryIn(fs, { parent, name: path.subarray(from, slash) })
		from = slash + 1
	}
	return { parent, name: path.subarray(from) }
}

function* directoryIn(fs: Filesystem, place: Place): Op<FileId> {
	const row = yield* wait(entries.lookup(fs.catalogue, place.parent, place.name))
	if (row?.kind === KIND.directory) return row.id
	if (row) return fail('ENOTDIR')
	return (yield* makeDirectory(fs, place, NEW_DIRECTORY)).id
}

/** It arrived and is right: what its order says is done with it. */
export function* fulfil(fs: Filesystem, order: OrderRow): Op<'arrived' | 'done'> {
	// Whoever asked takes it to where it goes.
	if (order.kind === 'fetch') return 'arrived'
	if (order.kind === 'drill') yield* dropScratch(fs, order.id)
	else yield* putBack(fs, order)
	return 'done'
}
