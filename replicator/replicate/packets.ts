/** Small files as threads are told of them: an object for each would cost more than its copy. */
import type { Order } from './copy.ts'
import { type CopyAnswer, encodePath, type Failure, type SmallAnswers, type SmallMessage } from './messages.ts'
import { joinWays } from './ways.ts'

const HASH_DIGITS = 64
/** In the place of a file that was not read. */
export const NO_HASH = '0'.repeat(HASH_DIGITS)

/** Of each file in `numbers`. */
export const ASIDE = 0
export const SIZE = 1
export const IS_NEW = 2
const MODE = 3
const UID = 4
const GID = 5
const ATIME = 6
const ATIME_NS = 7
const MTIME = 8
const MTIME_NS = 9
export const WIDTH = 10

/** Names beside the tree are numbers, in the directory `tray`. */
export function packSmall(tray: Buffer, orders: readonly Order[]): Pick<SmallMessage, 'tray' | 'paths' | 'numbers'> {
	const numbers = new Float64Array(orders.length * WIDTH)
	for (const [index, { aside, size, to, attributes }] of orders.entries()) {
		const at = index * WIDTH
		numbers[at + ASIDE] = Number(aside.toString('latin1', tray.length + 1))
		numbers[at + SIZE] = size
		numbers[at + IS_NEW] = to.length
		numbers[at + MODE] = attributes.mode
		numbers[at + UID] = attributes.uid
		numbers[at + GID] = attributes.gid
		numbers[at + ATIME] = attributes.atime ?? 0
		numbers[at + ATIME_NS] = attributes.atimeNs ?? 0
		numbers[at + MTIME] = attributes.mtime ?? 0
		numbers[at + MTIME_NS] = attributes.mtimeNs ?? 0
	}
	return { tray: encodePath(tray), paths: joinWays(orders.map(({ from }) => from)), numbers }
}

export function unpackAnswers({ hashes, inos, occupied, failures }: SmallAnswers): CopyAnswer[] {
	const answers = Array.from<unknown, CopyAnswer>(inos, (ino, index) => ({
		hash: hashes.slice(index * HASH_DIGITS, (index + 1) * HASH_DIGITS),
		ino: ino as number,
		isOccupied: occupied[index] !== 0,
	}))
	for (const [index, failure] of failures) answers[index] = failure
	return answers
}

/** The digits of each; undefined of one that was not copied, or that has something where it is to come. */
export function hashesOf({ hashes, inos, occupied }: SmallAnswers): Array<string | undefined> {
	return Array.from(inos, (_, index) => {
		const hash = hashes.slice(index * HASH_DIGITS, (index + 1) * HASH_DIGITS)
		return occupied[index] !== 0 || hash === NO_HASH ? undefined : hash
	})
}

/** What is true of all of them. */
export function allFailed({ numbers }: Pick<SmallMessage, 'numbers'>, failure: Failure): SmallAnswers {
	const many = numbers.length / WIDTH
	const failures = Array.from({ length: many }, (_, index): [number, Failure] => [index, failure])
	return { hashes: NO_HASH.repeat(many), inos: new Float64Array(many), occupied: new Uint8Array(many), failures }
}

export function attributesOf(numbers: Float64Array, at: number): Order['attributes'] {
	return {
		mode: numbers[at + MODE],
		uid: numbers[at + UID],
		gid: numbers[at + GID],
		atime: numbers[at + ATIME],
		atimeNs: numbers[at + ATIME_NS],
		mtime: numbers[at + MTIME],
		mtimeNs: numbers[at + MTIME_NS],
	}
}
