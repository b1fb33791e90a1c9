/**
 * Whether a node's disk has forgotten what was carried out there: when what it was about stands where it stood before and nothing has happened
 * to it since. Names are used again, and files come back to them; so the time of an inode's last change (ctime) says how far the disk has
 * come. Where that cannot tell, what is there by right stays there. A daemon that is killed makes no disk forget.
 */
import type { Intent } from '../catalogue/intents.ts'
import type { Path } from '../ids.ts'
import { isHalfExchanged } from '../intents.ts'
import type { Inode, Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { ANYBODY, whoseByRight } from './by-right.ts'
import type { Filesystem } from './filesystem.ts'
import { BETWEEN_TWO } from './unsynced.ts'

/** Our own time is in milliseconds, cut off. */
const ROUNDED_MICROSECONDS = 1_000
/** What the kernel writes down as the time of a change may be that of its last tick. */
export const TICK_MICROSECONDS_MAX = 12_000

/** What a row says, and when this process began to do such again. */
export type Step = Intent & { toPath: Path; inode: string; seq: number; since: number }

/** Changed last before the step was done or after it. Unclear: at about that time, or since it is being done again, by that or by others. */
type Age = 'before' | 'after' | 'unclear'

function ageOf({ changed }: Inode, { seq, since }: Step): Age {
	if (changed < seq - TICK_MICROSECONDS_MAX) return 'before'
	return changed >= seq + ROUNDED_MICROSECONDS && changed < since ? 'after' : 'unclear'
}

export function* whatIsForgotten(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { op, toPath } = step
	if (op === 'exchange') return yield* exchangeAgain(fs, node, step)
	if (op === 'link') return (yield* isLinkMissing(fs, node, step)) ? step : undefined
	if (!(yield* isWhereItWas(fs, node, step))) return undefined
	return op === 'unlink' || op === 'rmdir' || (yield* isFree(node, step, toPath)) ? step : undefined
}

/** Where one of the two is lost the other goes to its place all the same. */
function* exchangeAgain(fs: Filesystem, node: Node, step: Step): Op<Intent | undefined> {
	const { path, toPath, inode, fileId } = step
	if (yield* isHalfExchanged(node, step.token)) return step
	const [first, second] = inode.split(BETWEEN_TWO)
	const [here, there] = [yield* standing(node, path, first), yield* standing(node, toPath, second)]
	const ages = [here, there].map((each) => each && ageOf(each, step))
	if (ages.includes('after') || (!here && !there)) return undefined
	if (!ages.includes('before')) {
		const owner = yield* whoseByRight(fs, node.id, here ? path : toPath)
		if (owner === ANYBODY || (here ? owner === fileId : owner !== undefined && owner !== fileId)) return undefined
	}
	if (here && there) return step
	if (here && (yield* isFree(node, step, toPath))) return { ...step, op: 'rename' }
	if (there && (yield* isFree(node, step, path))) return { ...step, op: 'rename', path: toPath, toPath: path }
	return undefined
}

function* standing(node: Node, path: Path, id: string): Op<Inode | undefined> {
	const there = yield* wait(node.operations.inode(path))
	return there?.id === id ? there : undefined
}

/** Whatever happened to a file happened after all that was done before. */
function* isWhereItWas(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	const here = yield* standing(node, step.path, step.inode)
	const age = here ? ageOf(here, step) : 'after'
	if (age !== 'unclear') return age === 'before'
	// It may have come back, and as it is there by right it may as well stay.
	const owner = yield* whoseByRight(fs, node.id, step.path)
	return owner !== ANYBODY && owner !== step.fileId
}

/** What is there, if that was to be replaced. */
function* isFree(node: Node, step: Step, path: Path): Op<boolean> {
	const there = yield* wait(node.operations.inode(path))
	return there === undefined || ageOf(there, step) !== 'after'
}

/** The name that it was made for stays where it is. */
function* isLinkMissing(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	const here = yield* standing(node, step.path, step.inode)
	const age = here ? ageOf(here, step) : 'after'
	if (age !== 'unclear') return age === 'before'
	if ((yield* wait(node.operations.inode(step.toPath))) !== undefined) return false
	return (yield* whoseByRight(fs, node.id, step.toPath)) === step.fileId
}

/** Something else than what was taken away stands there, as it did before that came there. */
export function* hasReturned(fs: Filesystem, node: Node, step: Step): Op<boolean> {
	const { op, path, inode } = step
	if (op !== 'unlink' && op !== 'rename' && op !== 'move') return false
	const there = yield* wait(node.operations.inode(path))
	if (there === undefined || there.id === inode || ageOf(there, step) === 'after' || (yield* isWayYounger(node, step, path))) return false
	return (yield* whoseByRight(fs, node.id, path)) === undefined
}

/** Whether the disk knows of something as late. Taking a name away changes its directory, and so does whatever leads elsewhere by the same path later. */
function* isWayYounger(node: Node, step: Step, path: Path): Op<boolean> {
	let end = path.length
	do {
		end = Math.max(0, path.lastIndexOf('/', end - 1))
		const directory = yield* wait(node.operations.inode(path.subarray(0, end)))
		if (directory && ageOf(directory, step) === 'after') return true
	} while (end > 0)
	return false
}
