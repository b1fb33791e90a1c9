/**
 * New names that come in one turn of the event loop are entered together: what is asked for all of them is asked once, and each table gets its rows
 * with one statement. Only such as nothing was in the way of a moment ago. One that does not fit in goes its own way (give-name.ts); where something
 * fails none is entered so, and each goes its own way: one may fail, the others may not.
 */
import * as changes from '../catalogue/changes.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Intent, IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import { isLater } from '../clock.ts'
import { CatalogueError, codeOf } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { classOf, nodesForCopies } from '../placement/placement.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, transactTogether } from './filesystem.ts'
import { carries, touches } from './intents.ts'
import { checkDirectory } from './names.ts'
import { arrivalOf, type Named, type Naming, rowOf } from './naming.ts'
import { nowStanding, STANDING_ROWS_MAX, standingOn } from './standing.ts'
import { noteIfWithoutRoom } from './without-room.ts'

/** Of one transaction: a failure costs all of them a second one. */
const NAMES_MAX = 32
const NOTHING = { existing: undefined, model: undefined }

export interface Arrival {
	naming: Naming
	/** What was written down for it, before it is known whether that was committed. */
	tried: Intent[]
}

interface Group {
	arrivals: Arrival[]
	entered: Promise<ReadonlyMap<Arrival, Named>>
}

const gathering = new WeakMap<Filesystem, Group>()

/** Undefined: it goes its own way. Throws where the catalogue failed, for all of them. */
export async function enterTogether(fs: Filesystem, arrival: Arrival): Promise<Named | undefined> {
	const group = gathering.get(fs) ?? begin(fs)
	group.arrivals.push(arrival)
	if (group.arrivals.length === NAMES_MAX) gathering.delete(fs)
	try {
		return (await group.entered).get(arrival)
	} catch (error) {
		if (error instanceof CatalogueError && codeOf(error) === 'EIO') throw error
		arrival.tried.length = 0
		return undefined
	}
}

function begin(fs: Filesystem): Group {
	const arrivals: Arrival[] = []
	const entered = Promise.resolve(
		transactTogether(fs, (tx) => {
			if (gathering.get(fs)?.arrivals === arrivals) gathering.delete(fs)
			return enterAll(fs, tx, arrivals)
		}),
	)
	const group = { arrivals, entered }
	gathering.set(fs, group)
	return group
}

interface Ready {
	arrival: Arrival
	directory: FileRow
	path: Path
	rule: ClassRow
	row: FileRow
	made: Intent[]
}

function* enterAll(fs: Filesystem, tx: Transaction, arrivals: readonly Arrival[]): Op<ReadonlyMap<Arrival, Named>> {
	const ready = yield* fitting(fs, tx, arrivals)
	yield* judgeAll(tx, ready)
	for (const { arrival } of ready) if (arrival.naming.conditions.check) yield* arrival.naming.conditions.check(tx, undefined)
	enterFiles(fs, tx, ready)
	for (const { arrival, row } of ready) arrival.naming.conditions.also?.(tx, row)
	touchDirectories(tx, ready)
	const made = ready.flatMap(({ made }) => made)
	for (const { arrival, made } of ready) {
		arrival.tried.splice(0, arrival.tried.length, ...made)
		carries(fs, tx, arrival.naming.token)
	}
	intents.insertAll(tx, fs.client, made, fs.capabilities)
	nowStanding(tx, fs.client, made)
	changes.insertAll(tx, fs.client, ready.map(({ arrival: { naming: { place, id } } }) => ({ op: 'create', parent: place.parent, name: place.name, file: id })), fs.capabilities)
	return new Map(ready.map(({ arrival, directory, path, row, made }) => [arrival, { directory, replaced: undefined, row, path, made }]))
}

/** Those whose path is as it was made ready, with nothing still to be done near it. */
function* fitting(fs: Filesystem, tx: Transaction, arrivals: readonly Arrival[]): Op<Ready[]> {
	const [any] = (yield* wait(tx.read(intents.anyQuery()))) as [unknown[]]
	const list: Ready[] = []
	const names = new Set<string>()
	const directories = new Map<FileId, { directory: FileRow; above: Path }>()
	for (const arrival of arrivals) {
		const { naming } = arrival
		const { parent, name } = naming.place
		if (naming.staged.node.row.state === 'dead') continue
		const { directory, above } = directories.get(parent) ?? (yield* findDirectory(fs, tx, parent))
		directories.set(parent, { directory, above })
		const path = joinPath(above, name)
		const key = path.toString('latin1')
		if (names.has(key) || !path.equals(naming.path)) continue
		if (any.length > 0 && !isClear(yield* standingOn(tx, naming.staged.node.id), path)) continue
		names.add(key)
		const rule = classOf(fs, naming.conditions.classPath ?? path)
		const row = rowOf(naming, directory, rule, NOTHING)
		list.push({ arrival, directory, path, rule, row, made: arrivalOf(naming, row, path, true) })
	}
	return list
}

function* findDirectory(fs: Filesystem, tx: Transaction, id: FileId): Op<{ directory: FileRow; above: Path }> {
	const directory = checkDirectory(yield* wait(files.find(tx, id)))
	return { directory, above: yield* fs.directories.path(tx, id) }
}

function isClear(standing: readonly IntentRow[], path: Path): boolean {
	return standing.length < STANDING_ROWS_MAX && !standing.some((row) => touches(row, [path]))
}

/** Most ask the same: whether this process is still taken for alive. */
function* judgeAll(tx: Transaction, ready: readonly Ready[]): Op<void> {
	const answers = new Map<string, unknown[]>()
	for (const { arrival } of ready) {
		const { query, judge } = arrival.naming.staged.guard
		const key = query.join()
		const rows = answers.get(key) ?? (yield* wait(tx.all<unknown>(...query)))
		answers.set(key, rows)
		judge(tx, rows)
	}
}

function enterFiles(fs: Filesystem, tx: Transaction, ready: readonly Ready[]): void {
	files.insertAll(tx, ready.map(({ arrival, row }) => ({ row, hash: arrival.naming.staged.hash })))
	entries.insertAll(tx, ready.map(({ arrival: { naming: { place } }, row }) => ({ ...place, file: row.id })))
	replicas.insertAll(tx, ready.flatMap((each) => copiesOf(fs, tx, each)))
}

function copiesOf(fs: Filesystem, tx: Transaction, { arrival, row, rule }: Ready) {
	const holder: Node = arrival.naming.staged.node
	const wanted = nodesForCopies(fs, rule, [holder.id], row.size)
	noteIfWithoutRoom(fs, tx, rule, [holder.id, ...wanted.map(({ id }) => id)])
	return [
		{ file_id: row.id, node_id: holder.id, version: row.version, state: REPLICA.good as number },
		...wanted.map(({ id }) => ({ file_id: row.id, node_id: id, version: 0, state: REPLICA.wanted as number })),
	]
}

/** With the time of the last. */
function touchDirectories(tx: Transaction, ready: readonly Ready[]): void {
	const times = new Map<FileId, Naming['time']>()
	for (const { arrival: { naming: { place, time } } } of ready) {
		const last = times.get(place.parent)
		if (!last || isLater(time, last)) times.set(place.parent, time)
	}
	for (const [directory, time] of times) files.touchDirectory(tx, directory, time)
}
