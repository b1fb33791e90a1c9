/**
 * Whether a node's disk has forgotten what was carried out there. For that the inode that it was about has to stand where it stood before. Names are used
 * again, and files come back to them; so the time of the inode's last change (ctime) is compared with what it was before:
 *
 *     as it was, or earlier                     forgotten for certain, and with it all that came later
 *     later                                     not forgotten: that, or what came after it, has reached the disk
 *     the clocks are too coarse to tell, or a   forgotten if something earlier was for certain; else what has the
 *     directory above is later than the step    path by right stays there, and only that (by-right.ts)
 *
 * A daemon that is killed makes no disk forget.
 */
import type { Intent } from '../catalogue/intents.ts'
import { codeOf } from '../errors.ts'
import type { FileId, Path } from '../ids.ts'
import type { Inode, Node } from '../nodes/node.ts'
import { S_IFDIR, S_IFMT } from '../nodes/stat.ts'
import { type Op, wait } from '../op.ts'
import { ANYBODY, whoseByRight } from './by-right.ts'
import { isHalfExchanged } from './exchange.ts'
import type { Filesystem } from './filesystem.ts'
import type { Redoing } from './unsynced.ts'

/** Our own time is in milliseconds, cut off. */
const ROUNDED_MICROSECONDS = 1_000
/** What the kernel writes down as the time of a change may be that of its last tick. */
export const TICK_MICROSECONDS_MAX = 12_000

/** What a row says; what was changed later than `since` tells nothing. */
export type Step = Intent & { toPath: Path; inodes: Inode[]; seq: number; since: number; state: Redoing }

/** Changed last before the step was done or after it. Unclear: at about that time, or lately, by doing things again or by others. */
type Age = 'before' | 'after' | 'unclear'

function ageOf({ changed }: Inode, { seq, since }: Step): Age {
	if (changed < seq - TICK_MICROSECONDS_MAX) return 'before'
	return changed >= seq + ROUNDED_MICROSECONDS && changed < since ? 'after' : 'unclear'
}

/** The same of what stands where it stood: compared with itself no clock need be right, and only within one tick it cannot be told. */
function ageOfItself(here: Inode, was: Inode, { seq, since }: Step): Age {
	if (here.changed >= since) return 'unclear'
	if (here.changed !== was.changed) return here.changed < was.changed ? 'before' : 'after'
	return was.changed < seq - TICK_MICROSECONDS_MAX ? 'before' : 'unclear'
}

export function* whatIsForgotten(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { op, path, toPath, inodes: [was], fileId } = step
	if (op === 'exchange') return yield* exchangeAgain(fs, node, step)
	const here = yield* standing(node, step, path, was)
	if (!here || (op === 'link' && (yield* isNameOf(node, toPath, here)))) return undefined
	const answer = yield* isUndone(node, step, { path, here, was })
	if (op === 'link') return (answer ?? (yield* isLinkMissing(fs, node, step))) ? step : undefined
	// It may have come back, and as it is there by right it may as well stay.
	if (!(answer ?? (yield* isNotOf(fs, node, path, [fileId])))) return undefined
	return op === 'unlink' || op === 'rmdir' || (yield* isFree(node, step, toPath)) ? step : undefined
}

function* standing(node: Node, step: Step, path: Path, { id }: Inode): Op<Inode | undefined> {
	const there = yield* wait(node.operations.inode(path))
	return there && (there.id === id || step.state.made.has(there.id)) && isOfDisk(there, step) ? there : undefined
}

/** Whether something that stands where it stood is there because the disk has forgotten the step; undefined where it cannot tell. */
function* isUndone(node: Node, step: Step, { path, here, was }: { path: Path; here: Inode; was: Inode }): Op<boolean | undefined> {
	const { state, seq } = step
	const age = ageOfItself(here, was, step)
	if (state.made.has(here.id)) return true
	if (age === 'after') return false
	if (age === 'before' && !(yield* isWayYounger(node, step, path))) {
		state.forgotten = Math.min(state.forgotten, seq)
		return true
	}
	return isLaterThanForgotten(step) ? true : undefined
}

/** What was done since things are done again the disk had no time to forget. */
function isLaterThanForgotten({ seq, state }: Step): boolean {
	return seq > state.forgotten && seq < state.since
}

/** As the disk had it, or changed by doing things again: not by others. */
function isOfDisk({ id, changed }: Inode, { since, state }: Step): boolean {
	return changed < since || state.touched.has(id)
}

function* isNotOf(fs: Filesystem, node: Node, path: Path, ids: readonly (FileId | undefined)[]): Op<boolean> {
	const owner = yield* whoseByRight(fs, node.id, path)
	return owner !== ANYBODY && !ids.includes(owner)
}

/** Where one of the two is lost the other goes to its place all the same. */
function* exchangeAgain(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { path, toPath, inodes: [first, second] } = step
	if (yield* isHalfExchanged(node, step.token)) return step
	const here = yield* standing(node, step, path, first)
	const there = yield* standing(node, step, toPath, second)
	const answers = [
		here && (yield* isUndone(node, step, { path, here, was: first })),
		there && (yield* isUndone(node, step, { path: toPath, here: there, was: second })),
	]
	if ((!here && !there) || answers.includes(false)) return undefined
	if (!answers.includes(true) && !(yield* isExchangeMissing(fs, node, step, here !== undefined))) return undefined
	if (here && there) return step
	if (here && (yield* isFree(node, step, toPath))) return { ...step, op: 'rename' }
	if (there && (yield* isFree(node, step, path))) return { ...step, op: 'rename', path: toPath, toPath: path }
	return undefined
}

/** By the first of the two if it is there; whose the other is a row does not say. */
function* isExchangeMissing(fs: Filesystem, node: Node, { path, toPath, fileId }: Step, isFirst: boolean): Op<boolean> {
	if (isFirst) return yield* isNotOf(fs, node, path, [fileId])
	const owner = yield* whoseByRight(fs, node.id, toPath)
	return owner === undefined || owner === fileId
}

/** What is there was to be replaced, unless somebody has brought it since. */
function* isFree(node: Node, step: Step, path: Path): Op<boolean> {
	const there = yield* wait(node.operations.inode(path))
	return there === undefined || (ageOf(there, step) !== 'after' && isOfDisk(there, step))
}

/** It is done, and may have been before anybody decided it: making a link that is there changes no time. */
function* isNameOf(node: Node, path: Path, { id }: Inode): Op<boolean> {
	return (yield* wait(node.operations.inode(path)))?.id === id
}

/** The name that it was made for stays where it is. */
function* isLinkMissing(fs: Filesystem, node: Node, { toPath, fileId }: Step): Op<boolean> {
	if ((yield* wait(node.operations.inode(toPath))) !== undefined) return false
	return (yield* whoseByRight(fs, node.id, toPath)) === fileId
}

/** Something else than what was taken away stands there, as it did before that came there. */
export function* hasReturned(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	const { op, path, inodes: [was] } = step
	if (op !== 'unlink' && op !== 'rename' && op !== 'move') return false
	const there = yield* wait(node.operations.inode(path))
	if (there === undefined || there.id === was.id || ageOf(there, step) === 'after' || !isOfDisk(there, step)) return false
	if (!(yield* mayBeStray(node, path))) return false
	if (isLaterThanForgotten(step)) return true
	const isOfThatMoment = ageOf(there, step) !== 'before' && there.changed < step.since
	if (isOfThatMoment || (yield* isWayYounger(node, step, path))) return false
	return (yield* whoseByRight(fs, node.id, path)) === undefined
}

/** No directory; nor gone by now. */
function* mayBeStray(node: Node, path: Path): Op<boolean> {
	try {
		return ((yield* wait(node.operations.stat(path))).mode & S_IFMT) !== S_IFDIR
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error
		return false
	}
}

/** Whether the disk knows of something as late. Taking a name away changes its directory, and so does whatever leads elsewhere by the same path later. */
function* isWayYounger(node: Node, step: Step, path: Path): Op<boolean> {
	let above = path
	do {
		above = parentOf(above)
		const directory = yield* wait(node.operations.inode(above))
		if (directory && ageOf(directory, step) === 'after') return true
	} while (above.length > 0)
	return false
}

/** Of the root itself it is the root. */
export function parentOf(path: Path): Path {
	return path.subarray(0, Math.max(0, path.lastIndexOf('/')))
}
