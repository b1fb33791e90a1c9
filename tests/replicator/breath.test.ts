/** Work that waits for nothing lets others have their turn. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBreath } from '../../replicator/breath.ts'

test('a loop that waits for nothing is stopped by a timer that it would have kept waiting', async () => {
	const breath = createBreath()
	let isOver = false
	setTimeout(() => {
		isOver = true
	}, 1)
	const endMs = performance.now() + 10_000
	while (!isOver && performance.now() < endMs) await breath()
	assert.ok(isOver)
})
