/** See hashing.ts. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { fail } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import type { Hashed, HashOptions, Hashing } from './hashing.ts'

const PIECE_BYTES = 4 * 1024 * 1024

export function openHashing(threads: number): Hashing {
	return { hashFile, width: Math.max(1, threads), end: () => undefined }
}

async function hashFile({ operations }: Node, path: Path, { pace, signal }: HashOptions = {}): Promise<Hashed> {
	const fd = await operations.open(path, constants.O_RDONLY)
	try {
		const before = await operations.fstat(fd)
		const hash = createHash('sha256')
		const buffer = new Uint8Array(PIECE_BYTES)
		for (let at = 0; ; ) {
			if (signal?.aborted) fail('ECANCELED')
			await pace?.(PIECE_BYTES)
			const count = await operations.read(fd, buffer, at)
			if (count === 0) break
			hash.update(buffer.subarray(0, count))
			at += count
		}
		const stat = await operations.fstat(fd)
		if (!isSame(before, stat)) fail('EAGAIN', 'it changed while it was read')
		return { hash: hash.digest(), stat }
	} finally {
		await operations.close(fd)
	}
}

function isSame(one: Stat, other: Stat): boolean {
	return one.size === other.size && one.mtime === other.mtime && one.mtimeNs === other.mtimeNs && one.ino === other.ino
}
