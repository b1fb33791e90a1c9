/** Opening a file that exists: which copy, and for a writer the pin that keeps everybody on that copy meanwhile. */
import type { ChangeRow } from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as intents from '../catalogue/intents.ts'
import * as openings from '../catalogue/openings.ts'
import type { Found } from '../catalogue/openings.ts'
import * as proofs from '../catalogue/proofs.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import { codeOf, Errno, fail } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import { standsInTheWay } from '../in-the-way.ts'
import { isDone, isNodeTrouble } from '../intents.ts'
import type { Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { type Op, wait } from '../op.ts'
import { isCutOff } from './cut-off.ts'
import { joinPath } from './directories.ts'
import { type Filesystem, isFollowed, transact } from './filesystem.ts'
import { catchUp, directoryMoved, follow, isBehind, nameMoved } from './follow.ts'
import { BATCH_ROWS_MAX } from './journal.ts'
import { isAsEntered, newOpenFile, type OpenFile } from './open-files.ts'
import { isAlone, whileOpeningAgain } from './opening.ts'
import { release } from './publish.ts'
import { withRoom } from './relocate.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

const O_RDONLY = 0
const O_RDWR = 2
const INTENT_POLL_MS = 20
/** How often a file is looked for anew where it was not, because something, whatever it was, was changed meanwhile. */
const AGAIN_MAX = 5
/** As if there had been a transaction since. */
const UNKNOWN = -1

export interface OpenRequest {
	write: boolean
	/** Also for one who only reads: that he has the right to is the door's affair. */
	truncate: boolean
}

/** The file, open here, with one more handle on it. ESTALE when a name that led to it leads elsewhere now: the door asks again by name. */
export function open(fs: Filesystem, id: FileId, request: OpenRequest): Op<OpenFile> {
	if (request.write) return whileOpeningAgain(fs, id, openNow(fs, id, request))
	return request.truncate ? openEmptied(fs, id) : openNow(fs, id, request)
}

function* openEmptied(fs: Filesystem, id: FileId): Op<OpenFile> {
	yield* release(fs, yield* open(fs, id, { write: true, truncate: true }), true)
	return yield* openNow(fs, id, { write: false, truncate: false })
}

function* openNow(fs: Filesystem, id: FileId, request: OpenRequest): Op<OpenFile> {
	for (;;) {
		const current = fs.open.get(id)
		const file = current?.orphan ? reopenOrphan(current, request) : yield* openNamed(fs, id, request)
		try {
			const news = !file.orphan && fs.capabilities.synchronous && isBehind(fs) ? yield* catchUp(fs) : []
			// Somebody may have renamed what led there between the question and the answer.
			if (nameMoved(news, id)) fail('ESTALE')
			if (!directoryMoved(news)) {
				if (request.truncate) yield* withRoom(fs, file, () => file.node.operations.truncate(file.fd, 0), { bytes: 0 })
				return file
			}
		} catch (error) {
			yield* release(fs, file, request.write)
			throw error
		}
		yield* release(fs, file, request.write)
	}
}

function* openNamed(fs: Filesystem, id: FileId, request: OpenRequest): Op<OpenFile> {
	const since = fs.transactions
	const found = yield* find(fs, id)
	return request.write ? yield* openToWrite(fs, found, request) : yield* openToRead(fs, found, since)
}

/** Counted in the turn in which it is chosen: whoever closes it meanwhile finds that he is not the last. */
function counted(fs: Filesystem, file: OpenFile, write: boolean): OpenFile {
	file.handles++
	if (write) file.writers++
	fs.open.set(file.id, file)
	return file
}

function reopenOrphan(file: OpenFile, request: OpenRequest): OpenFile {
	if (request.write && !file.writable) fail('EACCES')
	file.handles++
	if (request.write) file.writers++
	return file
}

function* find(fs: Filesystem, id: FileId): Op<Found> {
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
	const found = openings.gather(rows)
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

function isContent({ row }: Pick<Found, 'row'>, { version, state }: ReplicaRow): boolean {
	return version === row.version && state !== REPLICA.suspect
}

function distance(fs: Filesystem, node: Node): number {
	return (node.remote ? 2_000_000 + Math.min(999_999, node.health.read.ms * 100) : 0) + (node.row.zone === fs.config.zone ? 0 : 1_000_000)
}

function* openToRead(fs: Filesystem, found: Found, since: number): Op<OpenFile> {
	const before = fs.open.get(found.row.id)
	const gone = before && (yield* isCutOff(before)) ? before : undefined
	const current = fs.open.get(found.row.id)
	if (current && current !== gone && isCurrent(current, found)) {
		current.row = found.row
		return counted(fs, current, false)
	}
	const opened = yield* openOn(fs, found, candidates(fs, found), { flags: O_RDONLY, since })
	const other = fs.open.get(opened.id)
	if (other && other !== gone && isCurrent(other, found)) return instead(fs, opened, { other, write: false })
	return other && other === gone && other.writers > 0 ? besideWriter(opened) : counted(fs, opened, false)
}

/** Who writes to the file was cut off from its node, and has the pin until he closes it. */
function besideWriter(file: OpenFile): OpenFile {
	file.handles++
	return file
}

/** Somebody else was quicker: who writes has to find the one open file there is. */
function instead(fs: Filesystem, { node, fd }: OpenFile, { other, write }: { other: OpenFile; write: boolean }): OpenFile {
	other.retired.push({ node, fd })
	return counted(fs, other, write)
}

/** What is open already is what a new open would find. */
function isCurrent(file: OpenFile, found: Found): boolean {
	if (file.parted) return false
	if (file.writers > 0) return true
	if (!inService(file.node)) return false
	if (found.pin !== null) return file.node.id === found.pin
	return file.row.version === found.row.version && found.replicas.some((r) => r.node_id === file.node.id && isContent(found, r))
}

/**
 * The first candidate that opens. EIO when none does: the file exists, it is just not within reach. What was not where it was looked for
 * may have been moved by somebody else a moment ago: the journal says so, and it is looked for where it is now.
 */
function* openOn(fs: Filesystem, found: Found, nodes: Node[], { flags, since }: { flags: number; since: number }): Op<OpenFile> {
	const deadlineMs = Date.now() + fs.config.nodeDeadlineMs
	const tried = new Set<string>()
	/** When it was asked for last; of the first time that is not known. */
	let moment: number | undefined
	let again = 0
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
		if (mayHaveMoved) tried.clear()
		else if (!obstructed && !isNew) break
		if (Date.now() > deadlineMs) break
		if (obstructed) yield* wait(new Promise((resolve) => setTimeout(resolve, INTENT_POLL_MS)))
		moment = momentOf(fs)
		found = yield* find(fs, found.row.id)
	}
	return fail('EIO', 'no copy of the file is within reach')
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
	const paths: Path[] = []
	for (const { parent, name } of names) paths.push(joinPath(yield* fs.directories.path(fs.catalogue, parent), name))
	const rows = intended ? yield* wait(intents.standing(fs.catalogue, node.id, STANDING_ROWS_MAX)) : []
	const standing = rows.filter((row) => !isDone(fs, row))
	return paths.filter((path) => !standing.some((row) => standsInTheWay(row, path)))
}

function* openOnNode(node: Node, paths: Path[], flags: number): Op<{ path: Path; fd: number } | undefined> {
	for (const path of paths) {
		try {
			return { path, fd: yield* wait(node.operations.open(path, flags)) }
		} catch (error) {
			if (codeOf(error) === 'EACCES' || codeOf(error) === 'EROFS') throw error
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
	if (fs.capabilities.synchronous && isBehind(fs)) yield* catchUp(fs)
	const { names } = yield* findWhole(fs, row.id)
	for (const { parent, name } of names) if (path.equals(joinPath(yield* fs.directories.path(fs.catalogue, parent), name))) return false
	return true
}

function* describe({ row, node, path, fd, flags }: Opened): Op<OpenFile> {
	const known = flags === O_RDONLY ? undefined : yield* wait(node.operations.fstat(fd))
	return newOpenFile({ row, node, path, fd, known, writable: flags !== O_RDONLY })
}

function* openToWrite(fs: Filesystem, found: Found, { truncate }: OpenRequest): Op<OpenFile> {
	const current = fs.open.get(found.row.id)
	return current && current.writers > 0 && !current.parted ? counted(fs, current, true) : yield* pinAndOpen(fs, found, truncate)
}

/**
 * The writer row first, then the descriptor: from the commit on every open anywhere goes to this node, so the content can
 * only change where the row says.
 */
function* pinAndOpen(fs: Filesystem, found: Found, truncate: boolean): Op<OpenFile> {
	const id = found.row.id
	const tried = new Set<number>()
	for (;;) {
		const choice = yield* pin(fs, id, tried, truncate)
		try {
			const opened = yield* openOn(fs, choice.found, [choice.node], { flags: O_RDWR, since: UNKNOWN })
			return yield* adopt(fs, opened)
		} catch (error) {
			// It goes before the next is asked for.
			if (isAlone(fs, id)) fs.later.add(writers.removeQuery(id, fs.client))
			if (choice.pinned || codeOf(error) !== 'EIO') throw error
			tried.add(choice.node.id)
		}
	}
}

function* pin(fs: Filesystem, id: FileId, tried: ReadonlySet<number>, truncate: boolean): Op<{ node: Node; found: Found; pinned: boolean }> {
	// The removal of an earlier pin on its way would take the new one with it.
	yield* wait(fs.later.written())
	return yield* wait(
		transact(fs, function* (tx) {
			const [[row], rows] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate), openings.findQuery(id)))) as [FileRow[], openings.OpeningRow[]]
			const found = row && openings.gather(rows)
			if (!found) return fail('ESTALE')
			const takes = (n: Node) => !tried.has(n.id) && n.row.state !== 'ro'
			const node = candidates(fs, found).find(takes) ?? (truncate ? doubtful(fs, found).find(takes) : undefined)
			if (!node) throw new Errno('EIO', 'no copy of the file can be written')
			if (truncate) forfeit(tx, found, node)
			writers.insert(tx, id, fs.client, node.id, fs.capabilities)
			return { node, found, pinned: found.pin !== null }
		}),
	)
}

/** Whoever empties a file needs no copy of it that is right. */
function doubtful(fs: Filesystem, { replicas, pin }: Found): Node[] {
	if (pin !== null) return []
	const nodes = replicas.filter(({ state }) => state === REPLICA.suspect).map(({ node_id }) => fs.nodes.get(node_id))
	return nodes.filter((node) => node !== undefined && inService(node)) as Node[]
}

/** A copy in doubt is none any more: what is published next is another content. */
function forfeit(tx: Transaction, { row, replicas, pin }: Found, { id }: Node): void {
	const isDoubtful = replicas.some(({ node_id, state }) => node_id === id && state === REPLICA.suspect)
	if (pin === null && isDoubtful) proofs.demote(tx, { file: row.id, node: id }, REPLICA.wanted)
}

/**
 * Readers that have the same file of the same node open go on with the new descriptor: one open file, one backing inode. Whoever came first
 * of two that opened it to write may have written: what he knows of it counts.
 */
function* adopt(fs: Filesystem, opened: OpenFile): Op<OpenFile> {
	const readers = fs.open.get(opened.id)
	const isSame = readers !== undefined && readers.writers === 0 && !readers.parted && readers.node === opened.node && (yield* hasInodeOf(readers, opened))
	const current = fs.open.get(opened.id)
	if (current && current.writers > 0 && !current.parted) return instead(fs, opened, { other: current, write: true })
	if (!isSame || current !== readers || readers.node !== opened.node) return counted(fs, opened, true)
	readers.retired.push({ node: readers.node, fd: readers.fd })
	Object.assign(readers, { fd: opened.fd, era: opened.era, writable: true, row: opened.row, known: opened.known, path: opened.path, unsynced: false })
	return counted(fs, readers, true)
}

/** Of one that is closed meanwhile, or cut off from its node, it does not matter. */
function* hasInodeOf({ node, fd }: OpenFile, { known }: OpenFile): Op<boolean> {
	try {
		const { ino, dev } = yield* wait(node.operations.fstat(fd))
		return ino === known?.ino && dev === known.dev
	} catch (error) {
		if (codeOf(error) !== 'EBADF' && !isNodeTrouble(error)) throw error
		return false
	}
}

/** Everybody has closed it, and was told that his content may not be there: what its node has now is all there is. */
export function* openAnew(fs: Filesystem, file: OpenFile): Op<void> {
	const { node, fd: gone } = file
	const { fd, path, era } = yield* openOn(fs, yield* find(fs, file.id), [node], { flags: O_RDWR, since: UNKNOWN })
	file.retired.push({ node, fd: gone })
	Object.assign(file, { fd, path, era })
}

/**
 * An open file goes on, for reading, with another copy of the same version. EIO when there is none. Where it was opened to write meanwhile, what it has is
 * the content, and stays.
 */
export function* failOver(fs: Filesystem, file: OpenFile, tried: ReadonlySet<number>): Op<void> {
	const since = fs.transactions
	const found = yield* find(fs, file.id)
	if (found.row.version !== file.row.version) fail('EIO', 'the only copies left are of another version')
	const nodes = candidates(fs, found).filter((node) => !tried.has(node.id))
	const other = yield* openOn(fs, found, nodes, { flags: O_RDONLY, since })
	const isWritten = file.writers > 0
	const { node, fd } = isWritten ? other : file
	file.retired.push({ node, fd })
	if (isWritten) return
	Object.assign(file, { node: other.node, fd: other.fd, era: other.era, path: other.path, known: other.known, writable: false })
}
