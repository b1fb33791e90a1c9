/** How much room a node has: as it was seen last, or asked again where that may be wrong by now. */
import { Errno } from '../errors.ts'
import type { Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { isPromise } from '../op.ts'

/** A node is looked at every two seconds. What had more than this free then is not full yet, however fast it is written to. */
const ASK_AGAIN_BELOW_BYTES = 4 * 1024 ** 3
/**
 * On a node with less than this free, what is written passes through this process: it can take a file to another node when
 * the room ends. So only a file that grows by more than this while it is open can meet the end of a node by itself.
 */
const LOW_BYTES = 1024 ** 3

/** Asking a disk of this machine is one cheap system call; what a remote node said last has to do. */
export function freeBytes(node: Node): number {
	if (node.remote || node.space.free >= ASK_AGAIN_BELOW_BYTES || !inService(node)) return node.space.free
	try {
		const space = node.operations.space()
		if (!isPromise(space)) node.space = space
		return node.space.free
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		// Its breaker has heard of it. A node that cannot say what it has gets nothing new.
		return 0
	}
}

export function isLowOnRoom(node: Node): boolean {
	return freeBytes(node) < LOW_BYTES
}

/** A remote node has just refused to take more: until it is looked at again it counts as full. */
export function hasRefused(node: Node): void {
	if (node.remote) node.space = { ...node.space, free: 0 }
}
