/** Keys are given out many at a time: whoever asks while others are being written down shares the next transaction with the rest. */
import { randomInt } from 'node:crypto'
import * as reservations from '../../core/catalogue/object-reservations.ts'
import type { Reservation } from '../../core/catalogue/object-reservations.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { run } from '../../core/op.ts'

/** How long a key waits for its upload. */
const RESERVED_SECONDS = 600
const COOKIES = 2 ** 32
const TOGETHER_MAX = 256

/** When it resolves, any door knows of it. */
export type Reserve = (volume: number, count: number) => Promise<Reservation>

interface Asking {
	reservation: Reservation
	resolve(reservation: Reservation): void
	reject(error: Error): void
}

export function createReserve(fs: Filesystem): Reserve {
	const asking: Asking[] = []
	let isWriting = false

	async function write(): Promise<void> {
		isWriting = true
		while (asking.length > 0) {
			const together = asking.splice(0, TOGETHER_MAX)
			try {
				await enter(together.map(({ reservation }) => reservation))
				for (const { resolve, reservation } of together) resolve(reservation)
			} catch (error) {
				for (const { reject } of together) reject(error as Error)
			}
		}
		isWriting = false
	}

	async function enter(list: Reservation[]): Promise<void> {
		await transact(fs, function* (tx) {
			reservations.insertAll(tx, list, RESERVED_SECONDS, fs.capabilities)
		})
	}

	return async (volume, count) => {
		const id = await run(fs.ids.range(count))
		const reservation = { id, count, volume_id: volume, cookie: randomInt(COOKIES) }
		return await new Promise<Reservation>((resolve, reject) => {
			asking.push({ reservation, resolve, reject })
			// Not before others of this turn have asked too.
			if (!isWriting) {
				isWriting = true
				setImmediate(() => void write())
			}
		})
	}
}
