/** Where a file's copies are, and opening one: on whichever node has it, at the path it has there by now. */
import { awakeMs } from '../awake.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import * as openings from '../catalogue/openings.ts'
import type { Found } from '../catalogue/openings.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import { codeOf, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import { standsInTheWay } from '../in-the-way.ts'
import type { Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { isBehind, isFollowed } from './behind.ts'
import { joinPath } from './directories.ts'
import type { Filesystem } from './filesystem.ts'
import { catchUp, directoryMoved, follow, nameMoved } from './follow.ts'
import { isDone } from './intents.ts'
import { BATCH_ROWS_MAX } from './journal.ts'
import { isAsEntered, newOpenFile, type OpenFile } from './open-files.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

export const O_RDONLY = 0
export const O_RDWR = 2
/** Mostly it is carried out already, and its row about to go. */
const INTENT_POLL_MS_MIN = 2
const INTENT_POLL_MS_MAX = 20
/** How often a file is looked for anew where it was not, because something, whatever it was, was changed meanwhile. */
const AGAIN_MAX = 5

/** The copy is there. What this process has too many of it has on every node. */
const REFUSALS = new Set(['EACCES', 'EROFS', 'EMFILE', 'ENFILE'])

export function* find(fs: Filesystem, id: FileId): Op<Found> {
	return (yield* findKnown(fs, id)) ?? (yield* findWhole(fs, id))
}

/** Whoever opens a file has nearly always just looked it up: what is left to ask is where its copies are. */
function* findKnown(fs: Filesystem, id: FileId): Op<Found | undefined> {
	const known = fs.lookedUp
	if (known?.row.id !== id || !isFollowed(fs)) return undefined
	fs.lookedUp = undefined
	const rows = yield* wait(fs.catalogue.all<openings.CopyRow>(...openings.copiesQuery(id)))
	// The row is the open file's, which may change it.
	return openings.gatherCopies(rows, { ...known.row }, known)
}

function* findWhole(fs: Filesystem, id: FileId): Op<Found> {
	const query = openings.findQuery(id)
	// Across a socket the journal is read in the same round trip; where it costs nothing it is read when the file is open.
	const [rows, news] = (yield* wait(fs.catalogue.read(...(fs.capabilities.synchronous ? [query] : [query, fs.journal.query()])))) as [
		openings.OpeningRow[], ChangeRow[] | undefined,
	]
	if (news && nameMoved(yield* followBatch(fs, news), id)) fail('ESTALE')
	const found = yield* openings.gather(fs.catalogue, rows)
	if (!found) return fail('ESTALE')
	if (found.row.kind !== KIND.regular) fail(found.row.kind === KIND.directory ? 'EISDIR' : 'EINVAL')
	return found
}

function* followBatch(fs: Filesystem, rows: ChangeRow[]): Op<ChangeRow[]> {
	const foreign = yield* follow(fs, fs.journal.take(rows))
	return rows.length < BATCH_ROWS_MAX ? foreign : [...foreign, ...(yield* catchUp(fs))]
}

/** Nodes that have the content of this version, best first: where it is being written, else local, same zone, fastest lately. */
export function candidates(fs: Filesystem, found: Pick<Found, 'row' | 'replicas' | 'pin'>): Node[] {
	const pinned = found.pin
	const nodes: Node[] = []
	for (const replica of found.replicas) {
		if (pinned !== null ? replica.node_id !== pinned : !isContent(found, replica)) continue
		const node = fs.nodes.get(replica.node_id)
		if (node && inService(node)) nodes.push(node)
	}
	return nodes.length > 1 ? nodes.sort((a, b) => distance(fs, a) - distance(fs, b)) : nodes
}

export function isContent({ row }: Pick<Found, 'row'>, { version, state }: ReplicaRow): boolean {
	return version === row.version && state !== REPLICA.suspect
}

function distance(fs: Filesystem, node: Node): number {
	return (node.remote ? 2_000_000 + Math.min(999_999, node.health.read.ms * 100) : 0) + (node.row.zone === fs.config.zone ? 0 : 1_000_000)
}

/**
 * The first candidate that opens. EIO when none does: the file exists, it is just not within reach. What was not where it was looked for
 * may have been moved by somebody else a moment ago: the journal says so, and it is looked for where it is now.
 */
export function* openOn(fs: Filesystem, found: Found, nodes: Node[], { flags, since }: { flags: number; since: number }): Op<OpenFile> {
	const deadlineMs = awakeMs() + fs.config.nodeDeadlineMs
	const tried = new Set<string>()
	/** When it was asked for last; of the first time that is not known. */
	let moment: number | undefined
	let again = 0
	let pauseMs = INTENT_POLL_MS_MIN
	for (let isAgain = false; nodes.length > 0; isAgain = true) {
		let obstructed = false
		let isNew = false
		for (const node of nodes) {
			const paths = yield* clearPaths(fs, node, found)
			obstructed ||= paths.length < found.names.length
			const untried = isAgain ? paths.filter((path) => !tried.has(keyOf(node, path))) : paths
			const opened = yield* openOnNode(node, untried, flags)
			if (opened) return yield* judge(fs, { row: found.row, node, ...opened, flags }, since)
			for (const path of untried) tried.add(keyOf(node, path))
			isNew ||= untried.length > 0
		}
		const news = yield* catchUp(fs)
		if (nameMoved(news, found.row.id)) fail('ESTALE')
		const mayHaveMoved = directoryMoved(news) || (momentOf(fs) !== moment && again++ < AGAIN_MAX)
		const arrives = isArriving(found)
		if (mayHaveMoved || arrives) tried.clear()
		else if (!obstructed && !isNew) break
		if (awakeMs() > deadlineMs) break
		if (obstructed || arrives) yield* wait(new Promise((resolve) => setTimeout(resolve, pauseMs)))
		pauseMs = Math.min(pauseMs * 2, INTENT_POLL_MS_MAX)
		moment = momentOf(fs)
		found = yield* find(fs, found.row.id)
		// Its maker found another node that takes it, or it outgrew this one: it is to be asked for anew.
		if (found.pin !== null && !nodes.some(({ id }) => id === found.pin)) fail('ESTALE')
	}
	return fail('EIO', 'no copy of the file is within reach')
}

/** It has its name already, and whoever makes it has yet to come to the node. */
function isArriving({ row, pin }: Found): boolean {
	return row.version === 0 && pin !== null
}

/** Another one after anything was changed here, or heard of from others. */
function momentOf({ directories, transactions }: Filesystem): number {
	return directories.generation() + transactions
}

function keyOf({ id }: Node, path: Path): string {
	return `${id}/${path.toString('latin1')}`
}

/** The file's paths on the node, without those on which an intent stands: read when they are known, or one that was decided in between would not be among them. */
function* clearPaths(fs: Filesystem, node: Node, { names, intended }: Found): Op<Path[]> {
	let paths: Path[] = []
	for (const { parent, name } of names) paths.push(joinPath(yield* fs.directories.path(fs.catalogue, parent), name))
	let rows = intended ? yield* wait(intents.standing(fs.catalogue, node.id, STANDING_ROWS_MAX)) : []
	for (;;) {
		const standing = rows.filter((row) => !isDone(fs, row))
		paths = paths.filter((path) => !standing.some((row) => standsInTheWay(row, path)))
		if (rows.length < STANDING_ROWS_MAX || paths.length === 0) return paths
		rows = yield* wait(intents.standingAfter(fs.catalogue, rows[rows.length - 1], STANDING_ROWS_MAX))
	}
}

function* openOnNode(node: Node, paths: Path[], flags: number): Op<{ path: Path; fd: number } | undefined> {
	for (const path of paths) {
		try {
			return { path, fd: yield* wait(node.operations.open(path, flags)) }
		} catch (error) {
			if (REFUSALS.has(codeOf(error))) throw error
		}
	}
	return undefined
}

interface Opened {
	row: FileRow
	node: Node
	path: Path
	fd: number
	flags: number
}

/** ESTALE where another file has the path by now: somebody renamed what was looked for, or saved over it, before it was opened. */
function* judge(fs: Filesystem, opened: Opened, since: number): Op<OpenFile> {
	try {
		const file = yield* describe(opened)
		if (yield* isAnother(fs, file, since)) fail('ESTALE')
		return file
	} catch (error) {
		yield* wait(opened.node.operations.close(opened.fd))
		throw error
	}
}

function* isAnother(fs: Filesystem, { row, node, path, fd, known }: OpenFile, since: number): Op<boolean> {
	const isCertain = fs.transactions === since && (fs.capabilities.synchronous || !fs.shared)
	if (isCertain) return false
	const stat = known ?? (yield* wait(node.operations.fstat(fd)))
	if (isAsEntered(row, stat)) return false
	// Or it is being written, or its copy is not what it should be.
	if (isBehind(fs)) yield* catchUp(fs)
	const { names } = yield* findWhole(fs, row.id)
	for (const { parent, name } of names) if (path.equals(joinPath(yield* fs.directories.path(fs.catalogue, parent), name))) return false
	return true
}

function* describe({ row, node, path, fd, flags }: Opened): Op<OpenFile> {
	const known = flags === O_RDONLY ? undefined : yield* wait(node.operations.fstat(fd))
	return newOpenFile({ row, node, path, fd, known, writable: flags !== O_RDONLY })
}
