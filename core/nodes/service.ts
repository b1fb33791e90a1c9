/** What a node may be used for now: what its health allows and its keeper wants. */
import type { Node } from './node.ts'

/** It answers, and its keeper has not taken it out of service. */
export function inService(node: Node): boolean {
	return node.health.up && node.row.state !== 'down' && node.row.state !== 'dead'
}

/**
 * Its tree may be changed. Not while a call that timed out is still stuck: it may happen yet, and what is done now must
 * not come before it.
 */
export function takesChanges(node: Node): boolean {
	return inService(node) && node.health.stuck === 0
}
