/** Times in listings are written as `Date` writes them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeText } from '../../api/content/time-text.ts'

test('any second is written as Date writes it', () => {
	const odd = [0, -1, -86_400, 59, 86_399, 86_400, 951_782_400, 4_102_444_800, 253_402_300_800, -62_198_755_200]
	const drawn = Array.from({ length: 2_000 }, () => Math.floor((Math.random() - 0.3) * 2 ** 34))
	for (const seconds of [...odd, ...drawn]) {
		for (const ms of [0, 7, 999]) assert.equal(timeText(seconds, ms), new Date(seconds * 1000 + ms).toISOString())
	}
})
