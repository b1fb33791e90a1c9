/** New names: regular files, directories, symlinks, special files. */
import { awakeMs } from '../awake.ts'
import type { Intent } from '../catalogue/intents.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import * as changes from '../catalogue/changes.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { Reader, Transaction } from '../catalogue/driver.ts'
import { now, type Time } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { classOf, nodesForNewFile } from '../placement/placement.ts'
import { arrive } from './arrive.ts'
import { joinPath } from './directories.ts'
import type { Check, Made } from './expected.ts'
import { type Filesystem, transact, transactUnasked } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'
import { checkPlace, type Place, readPlace } from './names.ts'
import { checkNodes } from './nodes.ts'
import type { OpenFile } from './open-files.ts'
import { clearing } from './obstructed.ts'
import { whileOpening } from './opening.ts'

export interface NewFile {
	mode: number
	uid: number
	gid: number
}

const S_ISGID = 0o2000
const TARGET_BYTES_MAX = 4095
/** Entries of a directory that are asked where they are, to put a new one there too. */
const SIBLINGS_MAX = 16

/**
 * Creates a regular file and opens it for reading and writing. `existing` is what the name led to already, when it did and
 * `exclusive` was not asked for.
 */
export function* create(fs: Filesystem, place: Place, file: NewFile, exclusive: boolean): Op<{ open: OpenFile } | { existing: FileRow }> {
	checkPlace(place)
	const id = yield* fs.ids.next()
	try {
		return yield* whileOpening(fs, id, createAs(fs, id, place, file, exclusive))
	} finally {
		fs.arriving.delete(id)
	}
}

function* createAs(fs: Filesystem, id: FileId, place: Place, file: NewFile, exclusive: boolean): Op<{ open: OpenFile } | { existing: FileRow }> {
	const time = now()
	const deadlineMs = awakeMs() + fs.config.nodeDeadlineMs
	for (;;) {
		const turn = fs.touched.begin(place.parent)
		const asked = { id, place, file, exclusive, time }
		const made = (yield* enterUnasked(fs, asked)) ?? (yield* wait(transact(fs, (tx) => enterFile(fs, tx, asked))))
		if ('existing' in made) return made
		if ('row' in made) {
			fs.sawStanding = made.standing
			fs.readAhead.changedNames(place.parent, place.name)
			fs.touched.keep(turn, made.directory, time)
			const open = yield* arrive(fs, { row: made.row, parent: place.parent, path: made.path }, made.nodes)
			fs.open.set(id, open)
			return { open }
		}
		if (made.obstructed === 0 || awakeMs() > deadlineMs) fail('EIO', 'no node takes new files')
		yield* wait(new Promise((resolve) => setTimeout(resolve, INTENT_POLL_MS)))
	}
}

interface Asked {
	id: FileId
	place: Place
	file: NewFile
	exclusive: boolean
	time: Time
}

interface Created {
	directory: FileRow
	row: FileRow
	path: Path
	nodes: Node[]
	/** Intents stand, on whatever. */
	standing: boolean
}

/**
 * Across a socket, in a directory that is known since its names changed here a moment ago: no question goes before the change. That the
 * directory is still what it was, and that no intent stands, is a condition of it. Undefined: something is different, and has to be looked at.
 */
function* enterUnasked(fs: Filesystem, asked: Asked): Op<Created | undefined> {
	const { place, time } = asked
	const { moves } = fs.directories.asOf
	const directory = moves === undefined || fs.sawStanding || fs.nodesInDoubt ? undefined : fs.touched.get(place.parent)
	if (moves === undefined || !directory) return undefined
	return yield* transactUnasked(fs, function* (tx) {
		const { path, rule, nodes } = yield* nodesAt(fs, tx, place)
		if (nodes.length === 0) return undefined
		const created = put(fs, tx, asked, { directory, path, rule, nodes, standing: false })
		files.touchKnownDirectory(tx, directory, time, moves)
		return created
	})
}

function* enterFile(fs: Filesystem, tx: Transaction, asked: Asked): Op<{ existing: FileRow } | { obstructed: number } | Created> {
	const { place, exclusive, time } = asked
	const { directory, existing, standing } = yield* readPlace(fs, tx, place)
	if (existing) return exclusive ? fail('EEXIST') : { existing }
	const { path, rule, nodes: taking } = yield* nodesAt(fs, tx, place)
	const nodes = standing ? yield* clearing(fs, tx, taking, path) : taking
	if (nodes.length === 0) return { obstructed: taking.length }
	const created = put(fs, tx, asked, { directory, path, rule, nodes, standing })
	files.touchDirectory(tx, place.parent, time)
	return created
}

function* nodesAt(fs: Filesystem, tx: Transaction, place: Place): Op<{ path: Path; rule: ClassRow; nodes: Node[] }> {
	const path = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
	const rule = classOf(fs, path)
	yield* checkNodes(fs, tx)
	return { path, rule, nodes: yield* nodesTaking(fs, tx, rule, place.parent) }
}

/** All rows of a new file, its directory's apart. */
function put(fs: Filesystem, tx: Transaction, { id, place, file, time }: Asked, { rule, ...at }: Omit<Created, 'row'> & { rule: ClassRow }): Created {
	const row = newRow(id, KIND.regular, file, at.directory, rule.id, time)
	if (!fs.capabilities.synchronous || at.nodes.some(({ remote }) => remote)) fs.arriving.set(id, { path: at.path, isTouched: false })
	enter(fs, tx, place, row)
	replicas.insert(tx, id, at.nodes[0].id, 0, REPLICA.good)
	writers.insertFirst(tx, id, fs.client, at.nodes[0].id)
	return { ...at, row }
}

/** Nodes for a new file in this directory, best first. */
export function* nodesTaking(fs: Filesystem, tx: Reader, rule: ClassRow, parent: FileId): Op<Node[]> {
	if (rule.policy !== 'existing-path') return nodesForNewFile(fs, rule)
	const holders = yield* wait(replicas.ofSiblings(tx, parent, SIBLINGS_MAX))
	return nodesForNewFile(fs, rule, (node) => holders.some((holder) => holder.node_id === node.id))
}

export function newRow(id: FileId, kind: number, file: NewFile, directory: FileRow, classId: number, time: Time): FileRow {
	const inheritsGroup = (directory.mode & S_ISGID) !== 0
	return {
		id,
		kind,
		mode: (file.mode & 0o7777) | (inheritsGroup && kind === KIND.directory ? S_ISGID : 0),
		uid: file.uid,
		gid: inheritsGroup ? directory.gid : file.gid,
		rdev: 0,
		nlink: kind === KIND.directory ? 2 : 1,
		size: kind === KIND.directory ? 4096 : 0,
		blocks: 0,
		atime: time.s,
		atime_ns: time.ns,
		mtime: time.s,
		mtime_ns: time.ns,
		ctime: time.s,
		ctime_ns: time.ns,
		version: kind === KIND.regular ? 0 : 1,
		class_id: classId,
		flags: 0,
	}
}

/** The rows every new name needs, its directory's apart. */
function enter(fs: Filesystem, tx: Transaction, place: Place, row: FileRow, target?: Uint8Array): void {
	files.insert(tx, row, { target })
	entries.insert(tx, place.parent, place.name, row.id)
	changes.insert(tx, fs.client, { op: row.kind === KIND.directory ? 'mkdir' : 'create', parent: place.parent, name: place.name, file: row.id }, fs.capabilities)
}

const INTENT_POLL_MS = 20

/** A directory is made on a node when the first file in it goes there. */
export function* makeDirectory(fs: Filesystem, place: Place, file: NewFile, check?: Check): Op<FileRow> {
	return yield* makeEntry(fs, place, file, { kind: KIND.directory, rdev: 0, check })
}

/** Fifos, sockets and devices are in the catalogue only: there is nothing in them to keep. */
export function* makeSpecial(fs: Filesystem, place: Place, file: NewFile, kind: number, rdev: number, check?: Check): Op<FileRow> {
	return yield* makeEntry(fs, place, file, { kind, rdev, check })
}

function* makeEntry(fs: Filesystem, place: Place, file: NewFile, { kind, rdev, check }: { kind: number; rdev: number; check?: Check }): Op<FileRow> {
	checkPlace(place)
	const id = yield* fs.ids.next()
	const time = now()
	const turn = fs.touched.begin(place.parent)
	const { directory, row } = yield* wait(
		transact(fs, function* (tx) {
			const { directory, existing } = yield* readPlace(fs, tx, place)
			if (existing) fail('EEXIST')
			if (check) yield* check(tx, undefined)
			const made = { ...newRow(id, kind, file, directory, 0, time), rdev }
			enter(fs, tx, place, made)
			files.touchDirectory(tx, place.parent, time, kind === KIND.directory ? 1 : 0)
			return { directory, row: made }
		}),
	)
	fs.readAhead.changedNames(place.parent, place.name)
	fs.touched.keep(turn, directory, time, kind === KIND.directory ? 1 : 0)
	if (kind === KIND.directory) {
		fs.touched.add(row)
		if (!fs.capabilities.synchronous) fs.readAhead.whole.add(id)
	}
	return row
}

/** The catalogue answers readlink; as many nodes as the class asks for have the plain link too. */
export function* makeSymlink(fs: Filesystem, place: Place, target: Buffer, owner: { uid: number; gid: number }, { check, classPath }: Made = {}): Op<FileRow> {
	checkPlace(place)
	if (target.length > TARGET_BYTES_MAX) fail('ENAMETOOLONG')
	if (target.length === 0) fail('ENOENT')
	const id = yield* fs.ids.next()
	const time = now()
	const token = fs.nextToken++
	const turn = fs.touched.begin(place.parent)
	const made = yield* wait(
		transact(fs, function* (tx) {
			const { directory, existing, standing } = yield* readPlace(fs, tx, place)
			if (existing) fail('EEXIST')
			if (check) yield* check(tx, undefined)
			const path = joinPath(yield* fs.directories.path(tx, place.parent), place.name)
			const rule = classOf(fs, classPath ?? path)
			yield* checkNodes(fs, tx)
			const nodes = (yield* nodesTaking(fs, tx, rule, place.parent)).slice(0, rule.copies)
			const row = { ...newRow(id, KIND.symlink, { mode: 0o777, ...owner }, directory, rule.id, time), size: target.length }
			enter(fs, tx, place, row, target)
			files.touchDirectory(tx, place.parent, time)
			return { directory, row, intents: yield* intend(fs, tx, placeSymlink(tx, nodes, { row, path, target, token }), standing) }
		}),
	)
	fs.readAhead.changedNames(place.parent, place.name)
	fs.touched.keep(turn, made.directory, time)
	yield* carryOutAfterwards(fs, made.intents)
	return made.row
}

function placeSymlink(
	tx: Transaction,
	nodes: readonly Node[],
	{ row, path, target, token }: { row: FileRow; path: Path; target: Buffer; token: number },
): Intent[] {
	return nodes.map((node) => {
		const intent: Intent = { nodeId: node.id, op: 'symlink', path, toPath: target, fileId: row.id, token }
		replicas.insert(tx, row.id, node.id, row.version, REPLICA.good)
		return intent
	})
}
