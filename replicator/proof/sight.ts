/** Reading a copy and saying what it is. Conclusions are others' to draw: nothing is changed here. */
import type { ConflictReason } from '../../core/catalogue/conflicts.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { S_IFLNK, S_IFMT, S_IFREG } from '../../core/nodes/stat.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import type { Hashing, HashOptions } from '../hashing/hashing.ts'
import type { Claim } from './facts.ts'

export type Sight =
	/** Read whole, and what the catalogue says. */
	| { is: 'right'; stat: Stat }
	/** Its size and times are what the catalogue says, which has no hash to compare with yet. */
	| { is: 'unhashed'; stat: Stat; hash: Buffer }
	/** Something else stands there. */
	| { is: 'wrong'; reason: ConflictReason; why: string; stat: Stat | undefined }
	| { is: 'missing'; why: string }
	/** The disk does not give the bytes. */
	| { is: 'unreadable'; why: string }
	/** Nothing can be said: the node is in trouble, or the file changed meanwhile. */
	| { is: 'unknown'; why: string }

export type Right = Extract<Sight, { is: 'right' | 'unhashed' }>
/** No copy to count on. */
export type Bad = Exclude<Sight, Right>

export const MISSING = new Set(['ENOENT', 'ENOTDIR'])
const OF_OTHER_KIND = new Set(['EINVAL', 'ELOOP', 'EISDIR'])
/** What disks and filesystems say of bytes they lost, or do not take. ENODATA is a medium error. */
const UNREADABLE = new Set(['EIO', 'EBADMSG', 'EUCLEAN', 'ENODATA', 'EREMOTEIO', 'ENOSPC', 'EDQUOT'])

export async function readWhole(hashing: Hashing, node: Node, { path, claim }: { path: Path; claim: Claim }, options?: HashOptions): Promise<Sight> {
	try {
		if (claim.kind === KIND.symlink) return await drive(readLink(node, path, claim))
		const { hash, stat } = await hashing.hashFile(node, path, options)
		return judge(claim, stat, hash)
	} catch (error) {
		return await drive(sightOf(node, error))
	}
}

function* readLink(node: Node, path: Path, { target }: Claim): Op<Sight> {
	const stat = yield* wait(node.operations.stat(path))
	if ((stat.mode & S_IFMT) !== S_IFLNK) return { is: 'wrong', reason: 'differs', why: 'it is no symlink', stat }
	const found = yield* wait(node.operations.readlink(path))
	return target && found.equals(target) ? { is: 'right', stat } : { is: 'wrong', reason: 'differs', why: 'it leads elsewhere', stat }
}

function judge(claim: Claim, stat: Stat, hash: Buffer): Sight {
	const known = hasTimesOf(claim, stat)
	const wrong = (why: string): Sight => ({ is: 'wrong', reason: known ? 'damaged' : 'differs', why, stat })
	if (stat.size !== claim.size) return wrong(`it has ${stat.size} bytes, not ${claim.size}`)
	if (claim.hash) return hash.equals(claim.hash) ? { is: 'right', stat } : wrong('its bytes are not what they were')
	if (known) return { is: 'unhashed', stat, hash }
	return { is: 'unknown', why: 'it was changed past the catalogue, which has no hash to tell by: walk the node' }
}

/** Some filesystems know no fractions of a second. */
function hasTimesOf({ mtime, mtimeNs }: Claim, stat: Stat): boolean {
	return stat.mtime === mtime && (stat.mtimeNs === mtimeNs || stat.mtimeNs === 0)
}

export function* sightOf(node: Node, error: unknown): Op<Sight> {
	const code = codeOf(error)
	const why = (error as Error).message
	if (OF_OTHER_KIND.has(code)) return { is: 'wrong', reason: 'differs', why: 'it is no regular file', stat: undefined }
	if (!MISSING.has(code) && !UNREADABLE.has(code)) return { is: 'unknown', why }
	try {
		// Nothing is missing where the node itself is not there.
		yield* wait(node.operations.identify(node.row.uuid))
	} catch (trouble) {
		return { is: 'unknown', why: (trouble as Error).message }
	}
	return MISSING.has(code) ? { is: 'missing', why: 'it is not there' } : { is: 'unreadable', why: `it cannot be read: ${why}` }
}

/** The copy as the directory shows it, if it looks as the catalogue says. Undefined when only reading it can tell. */
export function* glance(node: Node, path: Path, claim: Claim): Op<Stat | undefined> {
	try {
		return yield* look(node, path, claim)
	} catch {
		// What is wrong is found out by reading it.
		return undefined
	}
}

/** The same; fails where the node does not show it. */
export function* look(node: Node, path: Path, claim: Claim): Op<Stat | undefined> {
	if (claim.kind === KIND.symlink) return rightStat(yield* readLink(node, path, claim))
	const stat = yield* wait(node.operations.stat(path))
	return (stat.mode & S_IFMT) === S_IFREG && stat.size === claim.size && hasTimesOf(claim, stat) ? stat : undefined
}

function rightStat(sight: Sight): Stat | undefined {
	return sight.is === 'right' ? sight.stat : undefined
}
