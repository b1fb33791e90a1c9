/** Bandwidth by hour of day, on a clock of the test's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, paceOf } from '../../replicator/rate.ts'

const HOUR_MS = 3_600_000

/** Sleeping moves it on. */
function clockAt(hour: number): Clock & { nowMs: number } {
	const clock = {
		nowMs: hour * HOUR_MS,
		hour: () => Math.floor(clock.nowMs / HOUR_MS) % 24,
		elapsedMs: () => clock.nowMs,
		sleep: async (ms: number) => {
			clock.nowMs += ms
		},
	}
	return clock
}

async function seconds(clock: Clock & { nowMs: number }, move: () => Promise<void>): Promise<number> {
	const startMs = clock.nowMs
	await move()
	return (clock.nowMs - startMs) / 1000
}

test('where nothing is configured nobody waits', async () => {
	const clock = clockAt(12)
	const pace = paceOf([], clock)
	assert.equal(await seconds(clock, () => pace(1e12)), 0)
	assert.equal(await seconds(clock, () => pace(1e12)), 0)
})

test('ten pieces take what nine of them take at the rate: the last is under way when it is let through', async () => {
	const clock = clockAt(12)
	const pace = paceOf([{ hours: '', bytesPerSecond: 1000 }], clock)
	const taken = await seconds(clock, async () => {
		for (let piece = 0; piece < 10; piece++) await pace(500)
	})
	assert.equal(taken, 4.5)
})

test('those who share a pace keep to it together', async () => {
	const clock = clockAt(12)
	const pace = paceOf([{ hours: '', bytesPerSecond: 1000 }], clock)
	const one = async () => {
		for (let piece = 0; piece < 5; piece++) await pace(1000)
	}
	const taken = await seconds(clock, async () => void (await Promise.all([one(), one()])))
	assert.ok(taken >= 9, `${taken} s`)
})

test('the first whose hours it is holds, also over midnight, and outside all of them there is no limit', async () => {
	const rates = [
		{ hours: '22-6', bytesPerSecond: 100 },
		{ hours: '8-18', bytesPerSecond: 10 },
		{ hours: '8-20', bytesPerSecond: 1 },
	]
	const expected = new Map([
		[21, 0],
		[22, 10],
		[23, 10],
		[0, 10],
		[5, 10],
		[6, 0],
		[7, 0],
		[8, 100],
		[17, 100],
		[18, 1000],
		[19, 1000],
		[20, 0],
	])
	for (const [hour, wanted] of expected) {
		const clock = clockAt(hour)
		const pace = paceOf(rates, clock)
		await pace(1000)
		assert.equal(await seconds(clock, () => pace(1000)), wanted, `at ${hour}`)
	}
})

test('0 bytes per second: nothing moves until the hours are over', async () => {
	const clock = clockAt(8)
	const pace = paceOf([{ hours: '8-10', bytesPerSecond: 0 }], clock)
	assert.equal(await seconds(clock, () => pace(1)), 7200)
})

test('a piece that is larger than what is left of the hours is paid for at the rate of each', async () => {
	const clock = clockAt(8)
	const pace = paceOf(
		[
			{ hours: '8-9', bytesPerSecond: 1 },
			{ hours: '9-10', bytesPerSecond: 100 },
		],
		clock,
	)
	await pace(3600 + 100_000)
	const taken = await seconds(clock, () => pace(1))
	// The rate is looked up once a second.
	assert.ok(Math.abs(taken - 4600) <= 1, `${taken} s`)
})

test('whoever is stopped while waiting hears ECANCELED', async () => {
	const clock = clockAt(8)
	const stop = new AbortController()
	const pace = paceOf([{ hours: '', bytesPerSecond: 0 }], { ...clock, sleep: async () => stop.abort() })
	await assert.rejects(pace(1, stop.signal), { code: 'ECANCELED' })
})
