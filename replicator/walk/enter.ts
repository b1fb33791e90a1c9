/** The transaction that tells the catalogue what was found: everything is asked once more before it is believed. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import type { Intent, IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import * as entries from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import type { CopyRow, NewReplica, NewRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import * as xattrs from '../../core/catalogue/xattrs.ts'
import { now } from '../../core/clock.ts'
import { intend } from '../../core/filesystem/intents.ts'
import { noteWithoutRoom } from '../../core/filesystem/without-room.ts'
import { type FileId, ROOT_ID } from '../../core/ids.ts'
import { standsInTheWay } from '../../core/in-the-way.ts'
import { type Op, wait } from '../../core/op.ts'
import { isStillOurs } from '../replicator.ts'
import { STANDING_ROWS_MAX, yetToDo } from './chunks.ts'
import { pathOfItem, type Ready } from './item.ts'
import { pathOf } from './place.ts'
import { type NewFile, placeNew } from './new-file.ts'
import { idsOf, itemsOf, placeSheaf, type Sheaf } from './sheaf.ts'
import type { Watch } from './watch.ts'
import { type Directory, type Walking, WalkStopped } from './walking.ts'
import { xattrsOf } from './xattrs.ts'

export interface Entered {
	done: Ready[]
	/** All of each. */
	sheaves: Sheaf[]
	/** Somebody was at it meanwhile: to be looked at again. */
	busy: Ready[]
	/** Known files whose content is another here. */
	differing: Ready[]
	made: Intent[]
}

export interface Entering {
	items: readonly Ready[]
	sheaves: readonly Sheaf[]
	/** Directories that have no names, if nobody made some since the walk made them. */
	unasked: readonly Directory[]
	watch: Watch
	token: number
}

export function* enter(walking: Walking, tx: Transaction, entering: Entering): Op<Entered> {
	const { fs, node, rep, watchman } = walking
	const { sheaves, unasked, watch, token } = entering
	if (!(yield* isStillOurs(rep, tx))) throw new WalkStopped('another process has taken over, or the node was taken away')
	if (entering.items.length + sheaves.length === 0) return { done: [], sheaves: [], busy: [], differing: [], made: [] }
	const directories = yield* lock(walking, tx, entering)
	yield* watchman.look(tx)
	const [standing] = (yield* wait(tx.read(intents.standingQuery(node.id, STANDING_ROWS_MAX)))) as [IntentRow[]]
	const blocked = yetToDo(fs, standing)
	const moved = yield* movedAmong(tx, entering)
	for (const id of yield* crowdedAmong(tx, unasked)) moved.add(id)
	const isFree = (item: Ready) =>
		!moved.has(item.directory.id) &&
		isUntouched(watch, item) &&
		blocked.length < STANDING_ROWS_MAX &&
		!blocked.some((row) => standsInTheWay(row, pathOfItem(item)))
	// As long as nothing at all is in the way, the files of a sheaf need not be asked for one by one.
	const isQuiet = watch.isQuiet && blocked.length === 0
	const whole = sheaves.filter(({ directory }) => isQuiet && !moved.has(directory.id))
	const items = whole.length === sheaves.length ? entering.items : [...entering.items, ...sheaves.filter((each) => !whole.includes(each)).flatMap(itemsOf)]
	const free: Ready[] = []
	const taken: Ready[] = []
	for (const item of items) (isFree(item) ? free : taken).push(item)
	const { fresh, orphans } = withParents(free, directories)
	const [rooted, lost] = partition(whole, ({ directory }) => directories.has(directory.id))
	const copies = yield* judgeCopies(walking, tx, free.filter((item) => item.known !== undefined))
	const placed = fresh.map((item) => placeNew(walking, item, token))
	writeNew(walking, tx, placed)
	writeSheaves(walking, tx, rooted)
	watchman.adopt([...fresh.map(({ id }) => id), ...rooted.flatMap(idsOf)])
	writeCopies(walking, tx, copies.same)
	const made = yield* intend(
		fs,
		tx,
		placed.flatMap((each) => each.intents),
		standing.length > 0,
	)
	const busy = [...taken, ...orphans, ...lost.flatMap(itemsOf), ...copies.busy]
	return { done: [...fresh, ...copies.same.map(({ item }) => item)], sheaves: rooted, busy, differing: copies.differing, made }
}

function partition<T>(all: readonly T[], test: (each: T) => boolean): [T[], T[]] {
	const parts: [T[], T[]] = [[], []]
	for (const each of all) parts[test(each) ? 0 : 1].push(each)
	return parts
}

function isUntouched(watch: Watch, { directory, name, known }: Ready): boolean {
	return !watch.isTouched(directory.id, name) && !(known && watch.isFileTouched(known.id))
}

/** Directories that are, or were for a moment, elsewhere than where they were looked at. */
function* movedAmong(tx: Transaction, { items, sheaves, watch }: Entering): Op<Set<FileId>> {
	const moved = new Set<FileId>()
	if (!watch.moved) return moved
	const directories = new Map([...items, ...sheaves].map(({ directory }) => [directory.id, directory]))
	for (const { id, path } of directories.values()) {
		const chain = yield* wait(entries.chain(tx, id))
		const names = chain.map((row) => Buffer.from(row.name)).reverse()
		// One that is new has no names yet: what it is in is looked at in its turn.
		const isElsewhere = chain.length > 0 && !pathOf(names).equals(path)
		if (watch.exchanged || isElsewhere || chain.some((row) => watch.isFileTouched(row.id))) moved.add(id)
	}
	return moved
}

/** Those in which somebody made a name meanwhile. */
function* crowdedAmong(tx: Transaction, directories: readonly Directory[]): Op<FileId[]> {
	if (directories.length === 0) return []
	const found = yield* wait(tx.read(...walks.crowdedQueries(directories.map(({ id }) => id))))
	return found.flat().map(({ parent_id }: { parent_id: FileId }) => parent_id)
}

/** The directories new names go to and the files whose copies are judged, for this transaction; which directories there are. */
function* lock({ fs }: Walking, tx: Transaction, { items, sheaves }: Entering): Op<Set<FileId>> {
	const ids = new Set<FileId>(sheaves.map(({ directory }) => directory.id))
	for (const { directory, known } of items) ids.add(known ? known.id : directory.id)
	const found = (yield* wait(tx.read(...walks.lockQueries([...ids].sort((a, b) => a - b), fs.capabilities)))) as Array<Array<{ id: FileId; kind: number }>>
	return new Set(found.flat().flatMap(({ id, kind }) => (kind === KIND.directory ? id : [])))
}

/** A new name needs its directory: one that is there, or one that is made before it. */
function withParents(items: readonly Ready[], directories: Set<FileId>): { fresh: Ready[]; orphans: Ready[] } {
	const fresh: Ready[] = []
	const orphans: Ready[] = []
	for (const item of items) {
		if (item.known) continue
		const { directory, kind, id } = item
		if (!directories.has(directory.id) && directory.id !== ROOT_ID) {
			orphans.push(item)
			continue
		}
		fresh.push(item)
		if (kind === KIND.directory) directories.add(id)
	}
	return { fresh, orphans }
}

function writeNew({ fs }: Walking, tx: Transaction, placed: readonly NewFile[]): void {
	if (placed.length === 0) return
	const { capabilities, client } = fs
	const rows: NewRow[] = []
	const here: NewReplica[] = []
	const elsewhere: NewReplica[] = []
	for (const each of placed) {
		rows.push(each.row)
		if (each.here) here.push(each.here)
		for (const copy of each.elsewhere) elsewhere.push(copy)
	}
	walks.insertFiles(tx, client, rows, (row) => (row.kind === KIND.directory ? 'mkdir' : 'create'), capabilities)
	xattrs.insertAll(tx, placed.flatMap(({ item }) => (item.xattrs.length > 0 ? xattrsOf(item) : [])))
	walks.insertReplicas(tx, here, true, capabilities)
	walks.insertReplicas(tx, elsewhere, false, capabilities)
	if (placed.some(({ isShort }) => isShort)) noteWithoutRoom(fs, tx)
	touchParents(tx, placed)
}

/** Their directories came with the walk, and keep the times they have on the node. */
function writeSheaves(walking: Walking, tx: Transaction, sheaves: readonly Sheaf[]): void {
	const { fs, node } = walking
	const placed = sheaves.map((sheaf) => placeSheaf(walking, sheaf))
	walks.insertPlain(tx, fs.client, node.id, placed.map(({ files }) => files), fs.capabilities)
	walks.insertReplicas(tx, placed.flatMap(({ elsewhere }) => elsewhere), false, fs.capabilities)
	if (placed.some(({ isShort }) => isShort)) noteWithoutRoom(fs, tx)
}

function touchParents(tx: Transaction, placed: readonly NewFile[]): void {
	const subdirectories = new Map<FileId, { isNew: boolean; links: number }>()
	for (const { item } of placed) {
		const { id, isNew } = item.directory
		const known = subdirectories.get(id) ?? { isNew, links: 0 }
		if (item.kind === KIND.directory) known.links++
		subdirectories.set(id, known)
	}
	const time = now()
	for (const [id, { isNew, links }] of subdirectories) {
		// A directory that came with the walk keeps the time it has on the node.
		if (!isNew) files.touchDirectory(tx, id, time, links)
		else if (links > 0) walks.addLinks(tx, id, links)
	}
}

interface Same {
	item: Ready
	row: CopyRow
}

function* judgeCopies({ node }: Walking, tx: Transaction, items: readonly Ready[]): Op<{ same: Same[]; busy: Ready[]; differing: Ready[] }> {
	const judged = { same: [] as Same[], busy: [] as Ready[], differing: [] as Ready[] }
	if (items.length === 0) return judged
	const rows = ((yield* wait(tx.read(...walks.copyQueries(node.id, items.map(({ id }) => id))))) as CopyRow[][]).flat()
	const byId = new Map(rows.map((row) => [row.id, row]))
	for (const item of items) {
		const row = byId.get(item.id)
		if (!row || !isAsKnown(row, item) || row.written) judged.busy.push(item)
		else if (isHash(row, item)) judged.same.push({ item, row })
		else judged.differing.push(item)
	}
	return judged
}

function isAsKnown(row: CopyRow, { known }: Ready): boolean {
	return row.version === known?.version && row.replica_version === known.replica_version && row.replica_state === known.replica_state
}

function isHash({ hash, hash_version, version, replica_state, replica_version, uncompared }: CopyRow, item: Ready): boolean {
	if (hash !== null && hash_version === version) return item.hash?.equals(hash) === true
	// The hash of the only good copy is the first there is.
	return replica_state === REPLICA.good && replica_version === version && Number(uncompared) === 1
}

function writeCopies({ fs, node }: Walking, tx: Transaction, all: readonly Same[]): void {
	const { capabilities } = fs
	// A file has been met once for each of its names.
	const same = [...new Map(all.map((each) => [each.row.id, each])).values()]
	const isNew = ({ row }: Same) => row.replica_state === null
	const fresh = same.filter(isNew)
	walks.insertReplicas(tx, fresh.map(({ row }): NewReplica => ({ file: row.id, node: node.id, version: row.version, state: REPLICA.good })), true, capabilities)
	touched.addMany(tx, fresh.map(({ row }) => row.id))
	const proved = same.filter((each) => !isNew(each) && each.row.replica_state === REPLICA.good)
	walks.setProved(tx, node.id, proved.map(({ row }) => row.id), capabilities)
	for (const { row, item } of same) {
		if (row.replica_state !== null && row.replica_state !== REPLICA.good) walks.setGood(tx, row.id, node.id, row.version, capabilities)
		if (item.hash && row.hash_version !== row.version) hashes.setHash(tx, row.id, row.version, item.hash)
	}
}
