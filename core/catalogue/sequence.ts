/**
 * Ids are taken from the catalogue a block at a time, so that creating a file needs no round trip to learn its id. What is
 * left of a block when a process ends is never used: an id is used once or not at all.
 */
import { type Maybe, type Op, run, wait } from '../op.ts'
import { codeOf, fail } from '../errors.ts'
import type { Driver } from './driver.ts'

const BLOCK_IDS = 1_000
/** The root directory is 1; the first ids are kept for what a later version may need. */
const FIRST_ID = 16

export interface Sequence {
	next(): Op<number>
	/** The first of so many that follow each other: at most as many as a block has. */
	range(count: number): Op<number>
}

export function openSequence(driver: Driver, name: string, block: number = BLOCK_IDS): Sequence {
	let free = 0
	let end = 0
	let taking: Maybe<void> | undefined

	function* take(): Op<void> {
		try {
			yield* takeOnce()
		} catch (error) {
			// Two first users at once: the row of the other is there now.
			if (codeOf(error) !== 'EEXIST') throw error
			yield* takeOnce()
		}
	}

	function* takeOnce(): Op<void> {
		const start = yield* wait(
			driver.transaction(function* (tx) {
				const row = yield* wait(tx.get<{ value: string }>(`SELECT value FROM setting WHERE name = ?${driver.capabilities.forUpdate}`, [name]))
				const first = row ? Number(row.value) : FIRST_ID
				const sql = row ? 'UPDATE setting SET value = ? WHERE name = ?' : 'INSERT INTO setting (value, name) VALUES (?, ?)'
				tx.write(sql, [String(first + block), name])
				return first
			}),
		)
		free = start
		end = start + block
	}

	/** What is left of a block that has too few is not used. */
	function* range(count: number): Op<number> {
		if (count > block) fail('EINVAL', `no more than ${block} ids at a time`)
		while (end - free < count) {
			// Several operations may find the block empty in the same moment: one of them takes the next, all wait for it.
			taking ??= run(take())
			try {
				yield* wait(taking)
			} finally {
				taking = undefined
			}
		}
		free += count
		return free - count
	}

	return { next: () => range(1), range }
}
