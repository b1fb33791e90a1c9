/** Descriptors of a node that was away and is back: where it was mounted anew, they lead nowhere any more. */
import { inService } from '../nodes/service.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { type Op, wait } from '../op.ts'
import type { OpenFile } from './open-files.ts'

/** It has to be opened anew. False while the node is away: then nobody knows. */
export function* isCutOff(file: OpenFile): Op<boolean> {
	const { node, fd } = file
	const { era } = node.health
	if (!node.remote || file.era === era) return false
	try {
		yield* wait(node.operations.fstat(fd))
		if (file.fd === fd) file.era = era
		return false
	} catch (error) {
		if (!isNodeTrouble(error)) throw error
		return inService(node)
	}
}
