/** Content that this process carries itself: reads move on to another copy when a node fails in the middle. */
import { codeOf, fail } from '../errors.ts'
import { isNodeTrouble } from '../intents.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { failOver } from './open.ts'
import type { OpenFile } from './open-files.ts'

/** The bytes read: fewer than asked for only at the end of the file. */
export function* read(fs: Filesystem, file: OpenFile, buffer: Uint8Array, position: number): Op<number> {
	const tried = new Set<number>()
	for (;;) {
		const { node } = file
		try {
			return yield* wait(node.operations.read(file.fd, buffer, position))
		} catch (error) {
			if (!isNodeTrouble(error)) throw error
			// What is being written exists in one place only.
			if (file.writers > 0 || file.orphan) fail('EIO', codeOf(error))
			tried.add(node.id)
			if (file.node === node) yield* failOver(fs, file, tried)
		}
	}
}

/** The bytes written: fewer than given only when the node filled up on the way. */
export function* write(file: OpenFile, buffer: Uint8Array, position: number): Op<number> {
	return yield* wait(file.node.operations.write(file.fd, buffer, position))
}
