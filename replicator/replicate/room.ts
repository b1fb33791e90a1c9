/** Whether the node has room for one more copy, what is under way counted in. */
import type { Node } from '../../core/nodes/node.ts'
import { reserveBytes } from '../../core/placement/placement.ts'
import { freeBytes } from '../../core/placement/room.ts'

export interface Room {
	/** False when the copy would go into what the node keeps free. */
	take(bytes: number): boolean
	give(bytes: number): void
}

export function openRoom(node: Node): Room {
	let underWayBytes = 0
	return {
		take(bytes) {
			if (freeBytes(node) - underWayBytes - bytes <= reserveBytes(node)) return false
			underWayBytes += bytes
			return true
		},
		give(bytes) {
			underWayBytes -= bytes
		},
	}
}
