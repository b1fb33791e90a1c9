/** Through the node's own calls, the hash computed here: of nodes that may hang, whose calls have a deadline, and where it is not SHA-256. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { fail } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { isSameContent } from '../../core/nodes/stat.ts'
import type { Hashed, HashOptions } from './hashing.ts'

const PIECE_BYTES = 1024 * 1024

export async function hashByCalls({ operations }: Node, path: Path, { pace, signal }: HashOptions, algorithm = 'sha256'): Promise<Hashed> {
	const fd = await operations.open(path, constants.O_RDONLY)
	try {
		const before = await operations.fstat(fd)
		const hash = createHash(algorithm)
		const buffer = new Uint8Array(Math.min(PIECE_BYTES, before.size + 1))
		for (let at = 0; ; ) {
			if (signal?.aborted) fail('ECANCELED')
			if (before.size > PIECE_BYTES) await pace?.(buffer.length)
			const count = await operations.read(fd, buffer, at)
			hash.update(buffer.subarray(0, count))
			at += count
			// Fewer than asked for is the end of the file.
			if (count < buffer.length) break
		}
		const stat = await operations.fstat(fd)
		if (!isSameContent(before, stat)) fail('EAGAIN', 'it changed while it was read')
		return { hash: hash.digest(), stat, mayHaveXattrs: true }
	} finally {
		await operations.close(fd)
	}
}
