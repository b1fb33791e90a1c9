/** A large file on a hashing thread: a piece at a time, so that it can be paced, and stopped in between. */
import { fail } from '../../core/errors.ts'
import type { HashOptions, Hashed } from './hashing.ts'
import type { Place, Reply } from './packets.ts'
import type { Thread } from './thread.ts'

/** What is read between two questions whether to go on. */
const PIECE_BYTES = 16 * 1024 * 1024
const PACED_PIECE_BYTES = 4 * 1024 * 1024

interface Large {
	id: number
	place: Place
	path: Uint8Array
}

export async function hashLarge(thread: Thread, { id, place, path }: Large, { pace, signal }: HashOptions): Promise<Hashed> {
	const bytes = pace ? PACED_PIECE_BYTES : PIECE_BYTES
	try {
		await thread.ask({ ask: 'begin', id, path, ...place })
		for (;;) {
			await pace?.(bytes)
			if (signal?.aborted) fail('ECANCELED')
			const { whole }: Reply = await thread.ask({ ask: 'piece', id, bytes })
			if (whole) return { ...whole, hash: Buffer.from(whole.hash) }
		}
	} catch (error) {
		thread.tell({ ask: 'drop', id })
		throw error
	}
}
