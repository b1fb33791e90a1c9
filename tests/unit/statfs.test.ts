/** Room for files that are stored several times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Room, spread } from '../../core/filesystem/statfs.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const alone = (sizes: readonly number[]): Room[] => sizes.map((bytes) => ({ bytes, nodes: 1 }))

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
		assert.equal(spread(alone(sizes), copies), room)
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
		assert.equal(spread(alone(sizes), copies), packed([...sizes], copies), `${copies} copies on ${sizes}`)
	}
})

/** So many units that each disk, though it holds no more copies of each than it has nodes, takes enough of them. */
function packedOnDisks(rooms: readonly Room[], copies: number): number {
	const there = rooms.filter(({ bytes }) => bytes > 0)
	const wanted = Math.min(copies, there.reduce((sum, { nodes }) => sum + nodes, 0))
	const fits = (units: number) => there.reduce((sum, { bytes, nodes }) => sum + Math.min(bytes, units * nodes), 0) >= units * wanted
	let units = 0
	while (wanted > 0 && fits(units + 1)) units++
	return units
}

test('nodes on one disk have its room once', () => {
	assert.equal(spread([{ bytes: 60, nodes: 3 }], 1), 60)
	assert.equal(spread([{ bytes: 60, nodes: 3 }], 2), 30)
	assert.equal(spread([{ bytes: 60, nodes: 3 }], 5), 20)
	assert.equal(spread([{ bytes: 60, nodes: 2 }, { bytes: 10, nodes: 1 }], 2), 35)
	assert.equal(spread([{ bytes: 60, nodes: 2 }, { bytes: 10, nodes: 1 }], 3), 10)
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < 2_000; round++) {
		const rooms = Array.from({ length: random.below(5) }, () => ({ bytes: random.below(random.pick([3, 10, 60])), nodes: 1 + random.below(4) }))
		const copies = 1 + random.below(6)
		assert.equal(spread(rooms, copies), packedOnDisks(rooms, copies), `${copies} copies on ${JSON.stringify(rooms)}`)
	}
})

test('terabytes do not lose bytes', () => {
	assert.equal(spread(alone([2 ** 50, 2 ** 50, 2 ** 50 + 2]), 3), 2 ** 50)
	assert.equal(spread(alone([2 ** 50 + 1, 2 ** 50 + 1]), 2), 2 ** 50 + 1)
})
