/** Opening a file that exists: one open file for all who have it here, and for a writer the pin that keeps everybody on one copy meanwhile. */
import type { Transaction } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as openings from '../catalogue/openings.ts'
import type { Found } from '../catalogue/openings.ts'
import * as proofs from '../catalogue/proofs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import { codeOf, Errno, fail } from '../errors.ts'
import type { FileId } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { type Op, wait } from '../op.ts'
import { isBehind } from './behind.ts'
import { isCutOff } from './cut-off.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { catchUp, directoryMoved, nameMoved } from './follow.ts'
import { candidates, find, isContent, O_RDONLY, O_RDWR, openOn } from './open-copy.ts'
import { isWrittenHere, type OpenFile, stillOpen } from './open-files.ts'
import { isAlone, whileOpeningAgain } from './opening.ts'
import { release } from './publish.ts'
import { withRoom } from './relocate.ts'

/** As if there had been a transaction since. */
const UNKNOWN = -1

export interface OpenRequest {
	write: boolean
	/** Also for one who only reads: that he has the right to is the door's affair. */
	truncate: boolean
}

/** The file, open here, with one more handle on it. ESTALE when a name that led to it leads elsewhere now: the door asks again by name. */
export function* open(fs: Filesystem, id: FileId, request: OpenRequest): Op<OpenFile> {
	try {
		if (request.write) return yield* whileOpeningAgain(fs, id, openNow(fs, id, request))
		return yield* request.truncate ? openEmptied(fs, id) : openNow(fs, id, request)
	} catch (error) {
		// A kernel asks by name once more, and gives up then: what was done before that may not come as news with the answer.
		if (codeOf(error) === 'ESTALE' && isBehind(fs)) yield* catchUp(fs)
		throw error
	}
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
			const news = !file.orphan && isBehind(fs) ? yield* catchUp(fs) : []
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
	const other = fs.open.get(file.id)
	if (other !== file) file.older = stillOpen(other)
	file.handles++
	if (write) file.writers++
	fs.open.set(file.id, file)
	return file
}

function reopenOrphan(file: OpenFile, request: OpenRequest): OpenFile {
	// Whoever comes by name finds what has it now.
	if (request.write && !file.writable) fail('ESTALE')
	file.handles++
	if (request.write) file.writers++
	return file
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

function* openToWrite(fs: Filesystem, found: Found, { truncate }: OpenRequest): Op<OpenFile> {
	const current = fs.open.get(found.row.id)
	return current && isWrittenHere(current) ? counted(fs, current, true) : yield* pinAndOpen(fs, found, truncate)
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
			const found = row && (yield* openings.gather(tx, rows))
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
	if (current && isWrittenHere(current)) return instead(fs, opened, { other: current, write: true })
	if (!isSame || current !== readers || readers.node !== opened.node) return counted(fs, opened, true)
	readers.retired.push({ node: readers.node, fd: readers.fd })
	Object.assign(readers, { fd: opened.fd, era: opened.era, writable: true, row: opened.row, known: opened.known, knownAtMs: opened.knownAtMs, path: opened.path, unsynced: false })
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
