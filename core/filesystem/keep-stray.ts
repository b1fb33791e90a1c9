/** What stands on a node where the catalogue has something else: it is somebody's data, moved out of the way and never overwritten or removed. */
import * as conflicts from '../catalogue/conflicts.ts'
import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** It is among the conflicts from then on, for the keeper to decide. `what` says for the log what it was; one that has gone meanwhile needs nothing. */
export function* keepStray(fs: Filesystem, node: Node, path: Path, what = `an unknown file stood at ${path}`): Op<void> {
	try {
		const { size, mtime } = yield* wait(node.operations.stat(path))
		const aside = yield* wait(node.operations.setAside(path))
		fs.later.add(conflicts.insertQuery({ nodeId: node.id, path, aside, fileId: 0, reason: 'stray', size, mtime }, fs.capabilities))
		fs.report(`node ${node.name}: ${what}, kept as ${aside}`)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
}
