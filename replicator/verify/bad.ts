/**
 * A copy that is not what the catalogue says. It is read once more, with the catalogue asked before and after: a file that was
 * written, renamed or removed meanwhile is no damage. Then its bytes are kept aside and a new copy is wanted, if another copy
 * is good, by hash and now. Of the last copy there is, whatever it is, nothing is touched; it is only not read any more.
 */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { intend } from '../../core/filesystem/intents.ts'
import type { FileId, Path } from '../../core/ids.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import { asidePath } from '../proof/aside.ts'
import { type Facts, factsOf, isBlocked, isSame } from '../proof/facts.ts'
import { takeFirstHash } from '../proof/first-hash.ts'
import { readFromDisk } from '../proof/from-disk.ts'
import { carryOutInTime } from '../proof/in-time.ts'
import { candidates, type Search, see, type Seen } from '../proof/others.ts'
import type { Bad, Right, Sight } from '../proof/sight.ts'
import { isStillOurs, type Replicator } from '../replicator.ts'
import { bringBack, namesAstray } from './names.ts'

export type Finding =
	| { is: 'good'; facts: Facts; sight: Right }
	/** Good, and its other names lead there again. */
	| { is: 'relinked'; path: Path; kept: Path[] }
	/** Kept aside (or nothing was there), and wanted anew. */
	| { is: 'damaged' | 'missing'; path: Path; why: string; aside: Path | null }
	/** The only copy within reach. */
	| { is: 'suspect'; path: Path; why: string }
	/** The file changed meanwhile: the next run looks at it. */
	| { is: 'changed' }
	| { is: 'unknown'; path: Path; why: string }

export async function settleBad(rep: Replicator, search: Search, id: FileId): Promise<Finding> {
	const { fs, node } = rep
	const known = await drive(factsOf(fs, fs.catalogue, id))
	if (!known || known.paths.length === 0 || !holds(known, rep) || (await drive(isBlocked(fs, fs.catalogue, node.id, known.paths)))) return { is: 'changed' }
	const [path] = known.paths
	const isDoubtful = known.copies.some((copy) => copy.node_id === node.id && copy.state === REPLICA.suspect)
	const read = (name: Path, claim: Facts) => readFromDisk(search.hashing, node, { path: name, claim, isDoubtful }, search.options)
	const facts = known.hash ? known : await withFirstHash(rep, search, known, await read(path, known))
	if ('is' in facts) return facts
	const sight = await read(path, facts)
	if (isRight(sight)) return await settleNames(rep, search, { facts, sight, path })
	for (const name of await drive(otherFiles(node, facts.paths))) {
		const found = await read(name, facts)
		if (isRight(found)) return await settleNames(rep, search, { facts, sight: found, path: name })
		if (found.is === 'unknown') return { is: 'unknown', path: name, why: found.why }
	}
	if (sight.is === 'unknown') return { is: 'unknown', path, why: sight.why }
	const copies = candidates(fs, facts, node.id, () => true)
	const [other] = await see({ ...search, proofDays: 0 }, facts, copies, (seen) => seen.length > 0)
	return await conclude(rep, { facts, sight, other, aside: asidePath(path), further: await drive(furtherNames(node, facts.paths)) })
}

/** `sight`: of the copy, with nothing to hold it against. One that was changed past the catalogue is not judged by others. */
async function withFirstHash(rep: Replicator, search: Search, facts: Facts, sight: Sight): Promise<Facts | Finding> {
	const [path] = facts.paths
	if (sight.is === 'unknown') return { is: 'unknown', path, why: sight.why }
	const first = await takeFirstHash(rep, search, facts, sight.is === 'unhashed' ? sight.hash : undefined)
	if (first === 'changed') return { is: 'changed' }
	return 'differ' in first ? { is: 'unknown', path, why: first.differ } : { ...facts, hash: first.hash }
}

function isRight(sight: Sight): sight is Right {
	return sight.is === 'right' || sight.is === 'unhashed'
}

/** `path` is a name that leads to the right bytes. */
async function settleNames(rep: Replicator, search: Search, { facts, sight, path }: { facts: Facts; sight: Right; path: Path }): Promise<Finding> {
	const { fs, node } = rep
	const base = { path, inode: sight.stat.ino }
	const astray = await namesAstray(search.hashing, node, facts, base)
	if (astray.length === 0) return { is: 'good', facts, sight }
	const seenMs = performance.now()
	const token = fs.nextToken++
	const made = await transact(fs, function* (tx) {
		if (!(yield* isStillOurs(rep, tx)) || !(yield* stands(rep, tx, { facts, other: undefined }))) return undefined
		return yield* bringBack(rep, tx, { facts, base, astray, token })
	})
	if (!made) return { is: 'changed' }
	await drive(carryOutInTime(fs, made, seenMs))
	return { is: 'relinked', path, kept: astray.flatMap(({ aside }) => aside ?? []) }
}

/** One name of each file that the names after the first lead to, where that is not what the first leads to. */
function* otherFiles({ operations }: Node, [first, ...others]: readonly Path[]): Op<Path[]> {
	const names = new Map<number, Path>()
	const inode = others.length > 0 ? yield* inodeAt(operations, first) : undefined
	for (const path of others) {
		const found = yield* inodeAt(operations, path)
		if (found !== undefined && found !== inode && !names.has(found)) names.set(found, path)
	}
	return [...names.values()]
}

/** What has one of the names and is another file is nobody's to remove. */
function* furtherNames({ operations }: Node, [first, ...others]: readonly Path[]): Op<Path[]> {
	const same: Path[] = []
	const inode = others.length > 0 ? yield* inodeAt(operations, first) : undefined
	for (const path of others) if (inode !== undefined && (yield* inodeAt(operations, path)) === inode) same.push(path)
	return same
}

function* inodeAt(operations: NodeOperations, path: Path): Op<number | undefined> {
	try {
		return (yield* wait(operations.stat(path))).ino
	} catch {
		return undefined
	}
}

/** It is a copy somebody may read, or might if it were not in doubt, and nobody is changing it. */
function holds({ copies, version, isWritten }: Facts, { node }: Replicator): boolean {
	const own = copies.find((copy) => copy.node_id === node.id)
	return !isWritten && own?.version === version && (own.state === REPLICA.good || own.state === REPLICA.suspect)
}

interface Case {
	facts: Facts
	sight: Bad
	other: Seen | undefined
	aside: Path
	/** The other names that lead to the same bytes. */
	further: Path[]
}

async function conclude(rep: Replicator, found: Case): Promise<Finding> {
	const { fs } = rep
	const seenMs = performance.now()
	const token = fs.nextToken++
	const done = await transact(fs, function* (tx) {
		if (!(yield* isStillOurs(rep, tx)) || !(yield* stands(rep, tx, found))) return undefined
		return found.other ? yield* giveUp(rep, tx, found, token) : doubt(rep, tx, found)
	})
	if (!done) return { is: 'changed' }
	// What is moved out of the way must not be believed in by a catalogue that comes back.
	if (done.made.length > 0) await fs.catalogue.sync()
	await drive(carryOutInTime(fs, done.made, seenMs))
	return done.finding
}

/** Nothing was done to the file since it was looked at. */
function* stands(rep: Replicator, tx: Transaction, { facts, other }: Pick<Case, 'facts' | 'other'>): Op<boolean> {
	const { fs, node } = rep
	const now = yield* factsOf(fs, tx, facts.id, fs.capabilities.forUpdate)
	if (!now || !isSame(facts, now) || !holds(now, rep)) return false
	if (yield* isBlocked(fs, tx, node.id, now.paths)) return false
	return !other || now.copies.some((copy) => copy.node_id === other.node.id && copy.state === REPLICA.good && copy.version === now.version)
}

interface Done {
	made: Intent[]
	finding: Finding
}

function* giveUp({ fs, node }: Replicator, tx: Transaction, { facts, sight, other, aside, further }: Case, token: number): Op<Done> {
	const { id, version, paths } = facts
	if (other) hashes.setProved(tx, { file: id, node: other.node.id, version }, fs.capabilities)
	proofs.demote(tx, { file: id, node: node.id }, REPLICA.wanted)
	if (sight.is === 'missing') return { made: [], finding: { is: 'missing', path: paths[0], why: sight.why, aside: null } }
	const stat = sight.is === 'wrong' ? sight.stat : undefined
	const reason = sight.is === 'wrong' ? sight.reason : 'damaged'
	conflicts.insert(tx, { nodeId: node.id, path: paths[0], aside, fileId: id, reason, size: stat?.size ?? 0, mtime: stat?.mtime ?? 0 }, fs.capabilities)
	const common = { nodeId: node.id, fileId: id, token } as const
	const made = yield* intend(fs, tx, [
		{ ...common, op: 'rename', path: paths[0], toPath: aside },
		...further.map((path): Intent => ({ ...common, op: 'unlink', path, toPath: null })),
	], true)
	return { made, finding: { is: 'damaged', path: paths[0], why: sight.why, aside } }
}

function doubt({ node }: Replicator, tx: Transaction, { facts, sight }: Case): Done {
	proofs.demote(tx, { file: facts.id, node: node.id }, REPLICA.suspect)
	return { made: [], finding: { is: 'suspect', path: facts.paths[0], why: sight.why } }
}
