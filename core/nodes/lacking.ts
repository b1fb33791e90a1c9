/** What is not there, where that is an answer. */
import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import type { Node } from './node.ts'

/** Source gone: it was done before, or the node never had it. */
export function* unlessGone(act: () => Maybe<void>): Op<void> {
	try {
		yield* wait(act())
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
}

export function* exists(node: Node, path: Path): Op<boolean> {
	try {
		yield* wait(node.operations.stat(path))
		return true
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return false
	}
}
