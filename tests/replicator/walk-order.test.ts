/** The order of a walk, by itself: whatever is told ahead or visited early, a directory comes before what is in it, by its bytes, once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Child, componentBelow, startOrder } from '../../replicator/walk/order.ts'
import type { Directory } from '../../replicator/walk/walking.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'

const ROOT: Directory = { path: Buffer.alloc(0), id: 1, generation: 0, onDisk: true, isNew: true }
const LARGE = 300

interface Tree {
	/** By path: the names of the directories in each. */
	below: Map<string, string[]>
	/** Of all, as a walk has to come by. */
	inOrder: string[]
}

function growTree(random: Random): Tree {
	const below = new Map<string, string[]>()
	const inOrder: string[] = []
	const grow = (path: string, depth: number) => {
		inOrder.push(path)
		const many = depth === 0 ? 5 : depth < 4 && random.chance(0.4) ? random.below(random.chance(0.05) ? LARGE : 6) : 0
		const names = [...new Set(Array.from({ length: many }, () => random.below(1_000_000).toString(36)))]
		below.set(path, names)
		for (const name of names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) grow(path === '' ? name : `${path}/${name}`, depth + 1)
	}
	grow('', 0)
	return { below, inOrder }
}

test('a path is below a directory, not below one whose name it begins with', () => {
	const below = (directory: string, path: string) => componentBelow(Buffer.from(directory), Buffer.from(path))?.toString()
	assert.deepEqual(['', 'a', 'a/b', 'a/b/c'].map((directory) => below(directory, 'a/b/c')), ['a', 'b', 'c', undefined])
	assert.equal(below('a', 'ab/c'), undefined)
})

const childrenOf = (names: readonly string[], isNew: boolean) => names.map((name, at): Child => ({ name: Buffer.from(name), id: at, onDisk: true, isNew }))

for (const isNew of [true, false]) {
	test(`directories come in order and once, told and visited early or not${isNew ? '' : ', when they are known'}`, () => {
		const seed = seedOfRun()
		for (let round = 0; round < 40; round++) {
			const random = randomFrom(seed + round)
			const { below, inOrder } = growTree(random)
			const order = startOrder(ROOT)
			const come: string[] = []
			const early = new Set<string>()
			const told = new Set<string>()
			for (let directory = order.next(); directory; directory = order.next()) {
				const path = String(directory.path)
				come.push(path)
				order.enter(directory, childrenOf(below.get(path) as string[], isNew))
				for (let some = order.upcoming(); some.length > 0; some = order.upcoming()) {
					for (const each of some) {
						assert.ok(!told.has(String(each.path)), `${each.path} is told once (seed ${seed + round})`)
						told.add(String(each.path))
					}
				}
				const next = isNew && order.early(() => random.chance(0.3))
				if (!next) continue
				early.add(String(next.path))
				order.enter(next, childrenOf(below.get(String(next.path)) as string[], isNew))
			}
			assert.ok([...early].every((path) => told.has(path)), 'only what was told is visited early')
			assert.deepEqual(come, inOrder.filter((path) => !early.has(path)), `seed ${seed + round}`)
		}
	})
}

test('what is in a directory that is visited early is told before the directories after it, and while those before it are still to come', () => {
	const order = startOrder(ROOT)
	const root = order.next() as Directory
	order.enter(root, childrenOf(['a', 'b', 'c'], true))
	const [a, b, c] = order.upcoming()
	assert.deepEqual([a, b, c].map(({ path }) => String(path)), ['a', 'b', 'c'])
	assert.equal(order.early((directory) => directory === b), b)
	order.enter(b, childrenOf(['2', '1'], true))
	assert.deepEqual(order.upcoming().map(({ path }) => String(path)), ['b/1', 'b/2'])
	assert.equal(order.early((directory) => directory === b), undefined, 'once')
	assert.deepEqual(rest(order), ['a', 'b/1', 'b/2', 'c'])
})

test('the threads are given no more ahead than they are to hold: of known directories fewer than of new ones', () => {
	const toldOf = (isNew: boolean) => {
		const order = startOrder(ROOT)
		order.enter(order.next() as Directory, childrenOf(Array.from({ length: LARGE }, (_, at) => String(at)), isNew))
		let many = 0
		for (let some = order.upcoming(); some.length > 0; some = order.upcoming()) many += some.length
		return many
	}
	assert.equal(toldOf(false), 32)
	assert.equal(toldOf(true), 128)
})

function rest(order: ReturnType<typeof startOrder>): string[] {
	const paths: string[] = []
	for (let directory = order.next(); directory; directory = order.next()) paths.push(String(directory.path))
	return paths
}
