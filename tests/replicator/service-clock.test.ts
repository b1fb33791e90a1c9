/** When a daemon has what to do: schedules, what was missed, pauses. No daemon runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import { nextDue, previousDue, wrongWith } from '../../replicator/service/due.ts'
import { isMissed } from '../../replicator/service/node-service.ts'
import { createPause } from '../../replicator/service/pause.ts'
import { createRepeats } from '../../replicator/service/repeats.ts'

test('a schedule is due next and was due last', () => {
	const now = new Date(2026, 4, 14, 12, 30, 30) // a Thursday
	const last = (expression: string) => previousDue(expression, now)
	assert.deepEqual(last('* * * * *'), new Date(2026, 4, 14, 12, 30, 0))
	assert.deepEqual(last('*/5 * * * * *'), new Date(2026, 4, 14, 12, 30, 30))
	assert.deepEqual(last('17 1 * * *'), new Date(2026, 4, 14, 1, 17))
	assert.deepEqual(last('17 13 * * *'), new Date(2026, 4, 13, 13, 17))
	assert.deepEqual(last('31 12 * * *'), new Date(2026, 4, 13, 12, 31))
	assert.deepEqual(last('0 4 * * 0'), new Date(2026, 4, 10, 4))
	assert.deepEqual(last('0 4 31 * *'), new Date(2026, 2, 31, 4))
	assert.deepEqual(last('0 0 29 2 *'), new Date(2024, 1, 29))
	assert.ok(nextDue('* * * * *').getTime() - Date.now() <= 60_000)
	assert.ok(nextDue('0 4 * * *') > new Date())
	assert.equal(wrongWith('*/5 * * * *'), undefined)
	assert.match(wrongWith('99 * * * *') ?? '', /minute/)
})

test('missed: due while nothing ran, or not come to its end; by the clock that wrote the row down', () => {
	const here = new Date(2026, 4, 14, 12, 30)
	const row = (started: number, state: JobRow['state'] = 'done'): JobRow => ({
		name: 'x',
		state,
		started,
		ended: 0,
		position: null,
		summary: '{}',
	})
	const clocks = { database: 1_000_000, here }
	const sinceDue = (12 * 60 + 30 - (60 + 17)) * 60
	assert.equal(isMissed('17 1 * * *', row(1_000_000 - sinceDue - 1), clocks), true)
	assert.equal(isMissed('17 1 * * *', row(1_000_000 - sinceDue), clocks), false)
	assert.equal(isMissed('17 1 * * *', undefined, clocks), true)
	assert.equal(isMissed('17 1 * * *', row(999_999, 'paused'), clocks), true)
	assert.equal(isMissed('17 1 * * *', row(999_999, 'running'), clocks), true)
	assert.equal(isMissed('', row(0, 'failed'), clocks), false)
})

test('a pause grows up to its limit and ends with news', () => {
	let ms = 0
	const pause = createPause({ firstMs: 10, mostMs: 40 }, () => ms)
	assert.equal(pause.isOver(), true)
	for (const length of [10, 20, 40, 40]) {
		pause.longer()
		ms += length - 1
		assert.equal(pause.isOver(), false)
		ms += 1
		assert.equal(pause.isOver(), true)
	}
	pause.longer()
	pause.end()
	assert.equal(pause.isOver(), true)
	pause.longer()
	ms += 10
	assert.equal(pause.isOver(), true)
})

test('the same line is said once an hour', () => {
	let ms = 0
	const repeats = createRepeats(() => ms)
	assert.deepEqual([repeats.isNews('a'), repeats.isNews('a'), repeats.isNews('b')], [true, false, true])
	ms = 3_600_000
	assert.deepEqual([repeats.isNews('a'), repeats.isNews('a')], [true, false])
})
