/** Room for files that are stored several times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spread } from '../../core/filesystem/statfs.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

/** One unit after another, its copies on the nodes with the most room left: no order does better. */
function packed(sizes: number[], copies: number): number {
	const left = sizes.filter((size) => size > 0)
	const wanted = Math.min(copies, left.length)
	for (let units = 0; ; units++) {
		left.sort((a, b) => b - a)
		if (wanted === 0 || left[wanted - 1] === 0) return units
		for (let index = 0; index < wanted; index++) left[index]--
	}
}

const CASES: Array<[sizes: number[], copies: number, room: number]> = [
	[[], 1, 0],
	[[], 3, 0],
	[[0, 0], 2, 0],
	[[10], 1, 10],
	[[10], 3, 10],
	[[10, 10], 2, 10],
	[[10, 10, 10], 2, 15],
	[[100, 10, 10], 2, 20],
	[[100, 10, 10], 3, 10],
	[[100, 100, 1], 3, 1],
	[[0, 10, 10], 3, 10],
	[[5, 4, 3], 2, 6],
]

for (const [sizes, copies, room] of CASES) {
	test(`${copies} copies on nodes of ${sizes.join(', ') || 'nothing'}: ${room}`, () => {
		assert.equal(spread(sizes, copies), room)
		assert.equal(packed(sizes, copies), room)
	})
}

test('as much as putting unit after unit on the emptiest nodes', () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < 2_000; round++) {
		const limit = random.pick([3, 10, 60])
		const sizes = Array.from({ length: random.below(7) }, () => random.below(limit))
		const copies = 1 + random.below(5)
		assert.equal(spread([...sizes], copies), packed([...sizes], copies), `${copies} copies on ${sizes}`)
	}
})

test('terabytes do not lose bytes', () => {
	assert.equal(spread([2 ** 50, 2 ** 50, 2 ** 50 + 2], 3), 2 ** 50)
	assert.equal(spread([2 ** 50 + 1, 2 ** 50 + 1], 2), 2 ** 50 + 1)
})
