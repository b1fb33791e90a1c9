/** Randomness that a printed seed replays. */

export interface Random {
	/** An integer from 0 to `below` - 1. */
	below(below: number): number
	chance(probability: number): boolean
	pick<T>(items: readonly T[]): T
	bytes(length: number): Buffer
}

/** CAIRN_TEST_SEED, or a new one. */
/** What is merged must not depend on luck; whoever runs the tests by hand looks where nobody has. */
const SEED_OF_CI = 2_100_034_094

export function seedOfRun(): number {
	const given = process.env['CAIRN_TEST_SEED']
	if (given !== undefined) return Number(given)
	return process.env['CI'] === 'true' ? SEED_OF_CI : Math.floor(Math.random() * 2 ** 31)
}

/** mulberry32: 32 bits of state, good enough to choose calls with. */
export function randomFrom(seed: number): Random {
	let state = seed | 0
	const next = () => {
		state = (state + 0x6d2b79f5) | 0
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
	}
	const below = (limit: number) => Math.floor(next() * limit)
	return {
		below,
		chance: (probability) => next() < probability,
		pick: (items) => items[below(items.length)] as (typeof items)[number],
		bytes: (length) => {
			const data = Buffer.alloc(length)
			const salt = below(2 ** 30)
			for (let at = 0; at < length; at++) data[at] = (Math.imul(at + salt, 2_654_435_761) >>> 24) & 0xff
			return data
		},
	}
}
