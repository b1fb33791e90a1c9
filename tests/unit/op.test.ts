/** Operations over "value or promise". */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPromise, type Maybe, type Op, run, wait } from '../../core/op.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)))
const laterFail = (message: string): Promise<never> => new Promise((_, reject) => setImmediate(() => reject(new Error(message))))

function* sum(values: Array<Maybe<number>>): Op<number> {
	let total = 0
	for (const value of values) total += yield* wait(value)
	return total
}

test('without a promise inside, the result is there at once', () => {
	assert.equal(run(sum([1, 2, 3])), 6)
	assert.equal(run(sum([])), 0)
})

test('one promise inside makes the result a promise', async () => {
	for (const values of [[later(1), 2, 3], [1, later(2), 3], [1, 2, later(3)], [later(1), later(2), later(3)]]) {
		const result = run(sum(values))
		assert.ok(isPromise(result))
		assert.equal(await result, 6)
	}
})

test('any mixture of values and promises ends the same', async () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < 200; round++) {
		const numbers = Array.from({ length: random.below(8) }, () => random.below(1_000))
		const values = numbers.map((number) => (random.chance(0.3) ? later(number) : random.chance(0.3) ? Promise.resolve(number) : number))
		const result = run(sum(values))
		assert.equal(isPromise(result), values.some(isPromise))
		assert.equal(await result, numbers.reduce((a, b) => a + b, 0))
	}
})

test('an error is thrown at once, or rejected, as the place it comes from is', async () => {
	function* failing(before: Maybe<number>): Op<number> {
		yield* wait(before)
		throw new Error('mine')
	}
	assert.throws(() => run(failing(1)), /mine/)
	await assert.rejects(async () => run(failing(later(1))), /mine/)
})

test('a rejected promise is thrown where it was waited for, and can be caught there', async () => {
	const seen: string[] = []
	function* catching(): Op<string> {
		try {
			yield* wait(laterFail('away'))
		} catch (error) {
			seen.push((error as Error).message)
		} finally {
			seen.push('finally')
		}
		return yield* wait(later('went on'))
	}
	assert.equal(await run(catching()), 'went on')
	assert.deepEqual(seen, ['away', 'finally'])
	await assert.rejects(async () => run(sum([1, laterFail('not caught')])), /not caught/)
})

test('what is falsy or only looks like an object is a value', () => {
	for (const value of [0, '', false, null, undefined, Number.NaN, [], {}, Buffer.alloc(0)]) {
		assert.equal(isPromise(value), false)
		assert.equal(run(wait(value)), value)
	}
})
