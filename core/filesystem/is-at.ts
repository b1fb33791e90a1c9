import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { isNoDirectory } from './materialise.ts'

/** Whether what stands at a path of a node is a file that is open here, and not another by that name. */
export function* isAt(node: Node, path: Path, { ino, dev }: Pick<Stat, 'ino' | 'dev'>): Op<boolean> {
	try {
		const there = yield* wait(node.operations.stat(path))
		return there.ino === ino && there.dev === dev
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && !isNoDirectory(error)) throw error
		return false
	}
}
