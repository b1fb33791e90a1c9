/** Who gets attributes with a listing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createListers } from '../../client/listers.ts'

test('a walker that only reads names gets attributes once', () => {
	const listers = createListers()
	assert.deepEqual([10, 11, 12].map((directory) => listers.wantsAttributes(1, directory)), [true, false, false])
})

test('one that looks files up gets them from then on', () => {
	const listers = createListers()
	listers.wantsAttributes(1, 10)
	assert.equal(listers.wantsAttributes(1, 11), false)
	listers.lookedUp(1, 11)
	assert.deepEqual([12, 13].map((directory) => listers.wantsAttributes(1, directory)), [true, true])
})

test('a look-up elsewhere, or by another process, says nothing', () => {
	const listers = createListers()
	listers.wantsAttributes(1, 10)
	listers.wantsAttributes(1, 11)
	listers.lookedUp(1, 10)
	listers.lookedUp(2, 11)
	assert.equal(listers.wantsAttributes(1, 12), false)
	assert.equal(listers.wantsAttributes(2, 12), true)
})

test('however many processes come, each begins with attributes', () => {
	const listers = createListers()
	for (let pid = 1; pid <= 1000; pid++) assert.equal(listers.wantsAttributes(pid, 1), true)
})
