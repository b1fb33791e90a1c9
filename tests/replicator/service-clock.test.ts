/** When a daemon has what to do: schedules, what was missed, pauses. No daemon runs. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import { nextDue, openSchedule, previousDue, wrongWith } from '../../replicator/service/due.ts'
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

/** When it is due, by the clock on the wall, asked every second or so from one moment to another. */
function duesOf(expression: string, from: string, to: string, everyMs = 1_000): string[] {
	let here = new Date(from)
	const asked = openSchedule(expression, () => here)
	const dues: string[] = []
	for (; here < new Date(to); here = new Date(here.getTime() + everyMs)) if (asked.isDue()) dues.push(here.toTimeString().slice(0, 17))
	return dues
}

function inBerlin(t: TestContext): void {
	const { TZ } = process.env
	process.env.TZ = 'Europe/Berlin'
	t.after(() => {
		if (TZ === undefined) delete process.env.TZ
		else process.env.TZ = TZ
	})
}

test('the night in which summer begins: what is due in the hour that is left out is due after it, and is not missed', (t) => {
	inBerlin(t)
	const night = ['2027-03-28T00:50:00Z', '2027-03-28T01:21:00Z'] as const
	assert.deepEqual(duesOf('30 2 * * 0', ...night), ['03:00:00 GMT+0200'])
	assert.deepEqual(duesOf('*/20 2,3 * * *', ...night), ['03:00:00 GMT+0200', '03:20:00 GMT+0200'])
	assert.deepEqual(duesOf('*/10 * * * *', ...night), ['03:00:00 GMT+0200', '03:10:00 GMT+0200', '03:20:00 GMT+0200'])
	const row: JobRow = { name: 'x', state: 'done', started: 1_000_000, ended: 0, position: null, summary: '{}' }
	assert.equal(isMissed('30 2 * * 0', row, { database: 1_000_600, here: new Date('2027-03-28T01:10:00Z') }), false)
})

test('the night in which summer ends: what names an hour is due once, what goes on all day goes on', (t) => {
	inBerlin(t)
	const night = ['2026-10-24T23:59:59Z', '2026-10-25T02:10:00Z'] as const
	assert.deepEqual(duesOf('30 2 * * *', ...night), ['02:30:00 GMT+0200'])
	assert.deepEqual(duesOf('30 * * * *', ...night), ['02:30:00 GMT+0200', '02:30:00 GMT+0100'])
	assert.deepEqual(duesOf('0 2,3 * * *', ...night), ['02:00:00 GMT+0200', '03:00:00 GMT+0100'])
	const row: JobRow = { name: 'x', state: 'done', started: 1_000_000, ended: 0, position: null, summary: '{}' }
	assert.equal(isMissed('30 2 * * *', row, { database: 1_004_500, here: new Date('2026-10-25T01:45:00Z') }), false)
})

test('a clock that is set: back, it goes on from there; ahead by years, or where the machine slept, it is due once', () => {
	let here = new Date(2036, 0, 1, 12, 0, 30)
	const asked = openSchedule('* * * * *', () => here)
	const seen = [new Date(2026, 4, 14, 12, 30, 30), new Date(2026, 4, 14, 12, 30, 59), new Date(2026, 4, 14, 12, 31), new Date(2026, 4, 14, 12, 31, 1), new Date(2046, 0, 1), new Date(2046, 0, 1, 0, 0, 1)]
	const dues = seen.map((at) => {
		here = at
		return asked.isDue()
	})
	assert.deepEqual(dues, [false, false, true, false, true, false])
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
