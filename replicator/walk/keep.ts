/** What was kept aside, brought into the tree after all: the keeper says so. */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { ConflictRow } from '../../core/catalogue/conflicts.ts'
import * as files from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import * as xattrs from '../../core/catalogue/xattrs.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { now } from '../../core/clock.ts'
import { fail } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { carryOut, intend } from '../../core/filesystem/intents.ts'
import { makeParents } from '../../core/filesystem/way-on-node.ts'
import { checkName, type Place, readPlace } from '../../core/filesystem/names.ts'
import { record } from '../../core/filesystem/next-version.ts'
import { noteWithoutRoom } from '../../core/filesystem/without-room.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { run as drive, wait } from '../../core/op.ts'
import type { Hashing } from '../hashing/hashing.ts'
import { isOutdated, kindOfStat } from './compare.ts'
import type { Ready } from './item.ts'
import { placeNew } from './new-file.ts'
import { isGoodElsewhere } from './others.ts'
import { directoryAt, splitPath } from './place.ts'
import { xattrsOf } from './xattrs.ts'

export interface Decision {
	fs: Filesystem
	node: Node
	hashing: Hashing
	row: ConflictRow
}

/** `photos/a.jpg.conflict-7`. A long name is cut, so that there is room for it. */
export function ownPath({ id, path }: ConflictRow): Path {
	const { above, name } = splitPath(Buffer.from(path))
	const suffix = Buffer.from(`.conflict-${id}`)
	const own = Buffer.concat([name.subarray(0, 255 - suffix.length), suffix])
	return above.length === 0 ? own : Buffer.concat([above, Buffer.from('/'), own])
}

/** Under a name of its own, and where that is now: a directory above may be renamed meanwhile. A whole directory there is adopted by a walk. */
export async function keepAs(decision: Decision, path: Path): Promise<{ path: Path; needsWalk: boolean }> {
	const { fs, node, row } = decision
	const aside = Buffer.from(row.aside as Uint8Array)
	const stat = await node.operations.stat(aside)
	const place = await placeAt(fs, path)
	await drive(makeParents(fs, node, place.parent))
	const isFile = kindOfStat(stat) === KIND.regular
	const item = isFile ? await itemOf(decision, { aside, place, path }) : undefined
	const token = fs.nextToken++
	const { made, to } = await transact(fs, function* (tx) {
		const { existing, standing } = yield* readPlace(fs, tx, place)
		if (existing) fail('EEXIST', `${path} is in the tree already`)
		if (!(yield* wait(conflicts.find(tx, row.id, fs.capabilities.forUpdate)))) fail('ENOENT', 'somebody else has just decided about it')
		conflicts.remove(tx, row.id)
		const above = yield* fs.directories.path(tx, place.parent)
		const to = joinPath(above, place.name)
		const move: Intent = { nodeId: node.id, op: 'rename', path: aside, toPath: to, fileId: item?.id ?? 0, token, isNew: true }
		if (!item) return { to, made: yield* intend(fs, tx, [move], standing) }
		const placed = placeNew(decision, { ...item, directory: { ...item.directory, path: above } }, token)
		walks.insertFiles(tx, fs.client, [placed.row], () => 'create', fs.capabilities)
		xattrs.insertAll(tx, xattrsOf(item))
		walks.insertReplicas(tx, placed.here ? [placed.here] : [], true, fs.capabilities)
		walks.insertReplicas(tx, placed.elsewhere, false, fs.capabilities)
		if (placed.isShort) noteWithoutRoom(fs, tx)
		files.touchDirectory(tx, place.parent, now())
		return { to, made: yield* intend(fs, tx, [move], standing) }
	})
	fs.readAhead.forgetDirectory(place.parent)
	fs.touched.forget(place.parent)
	await drive(carryOut(fs, made))
	return { path: to, needsWalk: !isFile }
}

async function placeAt(fs: Filesystem, path: Path): Promise<Place> {
	const { above, name } = splitPath(path)
	checkName(name)
	const parent = await drive(directoryAt(fs, above))
	return parent === undefined ? fail('ENOENT', `${above} is no directory of the tree`) : { parent, name }
}

async function itemOf({ fs, node, hashing }: Decision, { aside, place, path }: { aside: Path; place: Place; path: Path }): Promise<Ready> {
	const { hash, stat } = await hashing.hashFile(node, aside)
	const xattrs = await node.operations.xattrs(aside)
	const directory = { path: splitPath(path).above, id: place.parent, generation: 0, onDisk: true, isNew: false }
	return {
		directory,
		name: place.name,
		id: await drive(fs.ids.next()),
		kind: KIND.regular,
		known: undefined,
		stat,
		hash,
		target: null,
		xattrs,
		mayHaveXattrs: false,
	}
}

/** One that was left where it stood becomes the file's next version, if it is still what there is of the file: it may have stood there for long. */
export async function keepInPlace({ fs, node, row }: Decision): Promise<void> {
	const path = Buffer.from(row.path)
	const { above, name } = splitPath(path)
	const parent = (await drive(directoryAt(fs, above))) ?? fail('ENOENT', MOVED)
	const before = await fs.catalogue.get<WalkedRow>(...walks.oneQuery(node.id, parent, name))
	const stat: Stat = await node.operations.stat(path)
	await transact(fs, function* (tx) {
		yield* wait(tx.read(...walks.lockQueries([row.file_id], fs.capabilities)))
		const queries = [walks.oneQuery(node.id, parent, name), writers.ofFileQuery(row.file_id), replicas.ofFileQuery(row.file_id)]
		const [[known], pins, copies] = (yield* wait(tx.read(...queries))) as [WalkedRow[], unknown[], ReplicaRow[]]
		if (known?.id !== row.file_id) fail('ENOENT', MOVED)
		if (pins.length > 0 || known.version !== before?.version) fail('EBUSY', 'the file is being written')
		if (isOutdated(known)) fail('ESTALE', 'the tree has newer content by now: this is an old copy')
		if (copies.some((copy) => isGoodElsewhere(copy, known, node))) fail('EEXIST', 'another copy is good by now: a walk of this node sets this one aside, to be kept beside the file')
		conflicts.remove(tx, row.id)
		yield* record(fs, tx, { id: row.file_id, nodeId: node.id, stat, verdict: 'decided' })
	})
	fs.readAhead.forgetFile(row.file_id)
}

const MOVED = 'the file no longer has this name in the tree'
