/** The exchange of two names on a node, which has no such call everywhere: in steps that can be gone on with, whoever finds them. */
import * as intents from '../catalogue/intents.ts'
import type { Path } from '../ids.ts'
import { exists, unlessGone } from '../nodes/lacking.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

const HOLDS = Buffer.from('.cairn')
const HOLD_PREFIX = 'exchange-'

/**
 * Two names change places. Repeating an exchange would undo it, so each of its steps leaves a mark on the node before the
 * next begins: `taken` when the first file is out of the way at `hold/x`, `given` when the second has its name.
 */
export function* exchange(node: Node, a: Path, b: Path, token: number): Op<void> {
	const { operations } = node
	const hold = holdOf(token)
	const [x, taken, given] = ['x', 'taken', 'given'].map((name) => Buffer.from(`${hold}/${name}`))
	if (!(yield* exists(node, taken))) {
		yield* unlessGone(() => operations.rename(a, x))
		yield* wait(operations.makeDirectory(taken))
	}
	if (!(yield* exists(node, given))) {
		if (!(yield* exists(node, a))) yield* unlessGone(() => operations.rename(b, a))
		yield* wait(operations.makeDirectory(given))
	}
	yield* unlessGone(() => operations.rename(x, b))
}

/** Some of its steps were made: the others can be, however far it had come. */
export function* isHalfExchanged(node: Node, token: number): Op<boolean> {
	const isThere = (mark: string) => exists(node, Buffer.from(`${holdOf(token)}/${mark}`))
	return (yield* isThere('x')) || ((yield* isThere('taken')) && !(yield* isThere('given')))
}

/** There once it has begun. */
export function holdOf(token: number): string {
	return `${HOLDS}/${HOLD_PREFIX}${token}`
}

/** The marks of exchanges whose rows are gone. They may not go earlier: without them a repetition would begin anew. */
export function* removeMarks(fs: Filesystem, node: Node): Op<void> {
	const holds = (yield* wait(node.operations.list(HOLDS))).map(({ name }) => name.toString()).filter((name) => name.startsWith(HOLD_PREFIX))
	if (holds.length === 0) return
	const standing = yield* wait(intents.standing(fs.catalogue, node.id, STANDING_ROWS_MAX))
	if (standing.length === STANDING_ROWS_MAX) {
		fs.nodesMarked.add(node.id)
		return
	}
	for (const hold of holds) {
		if (standing.some((row) => hold === `${HOLD_PREFIX}${row.token}`)) continue
		for (const part of ['/taken', '/given', '']) yield* wait(node.operations.removeDirectory(Buffer.from(`${HOLDS}/${hold}${part}`)))
	}
}
