/** Errors that speak of the node and not of what it was asked to do: that waits until the node is well. */
import { codeOf } from '../errors.ts'

const NODE_TROUBLE = new Set([
	'ETIMEDOUT', 'ENOTCONN', 'EIO', 'ESTALE', 'ENODEV', 'ENXIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'ECONNRESET', 'EHOSTDOWN', 'EREMOTEIO',
	'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM', 'EBUSY',
])

export function isNodeTrouble(error: unknown): boolean {
	return NODE_TROUBLE.has(codeOf(error))
}
