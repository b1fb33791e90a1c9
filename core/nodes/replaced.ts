/**
 * The same operations, knowing how many descriptors they gave out: a node that was opened anew, at another place, goes on
 * for the files that are open on it and ends with the last of them.
 */
import { isPromise, type Maybe } from '../op.ts'
import type { NodeOperations } from './node.ts'

export interface Replaceable {
	operations: NodeOperations
	endWithLast(): void
}

export function replaceable(operations: NodeOperations): Replaceable {
	let open = 0
	let isReplaced = false

	function counted(result: Maybe<number>): Maybe<number> {
		if (isPromise(result)) return result.then(counted)
		open++
		return result
	}

	function close(fd: number): Maybe<void> {
		open--
		try {
			return operations.close(fd)
		} finally {
			endIfUnused()
		}
	}

	function endIfUnused(): void {
		if (isReplaced && open === 0) operations.end()
	}

	return {
		operations: {
			...operations,
			open: (path, flags) => counted(operations.open(path, flags)),
			create: (path, attributes) => counted(operations.create(path, attributes)),
			close,
		},
		endWithLast() {
			isReplaced = true
			endIfUnused()
		},
	}
}
