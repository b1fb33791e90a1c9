/** What a line of progress says where nothing goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMeter } from '../../cli/progress-meter.ts'
import { plainLine } from '../../cli/progress-text.ts'

test('a run that stands still for some minutes names no year in which it ends', () => {
	let ms = 0
	const meter = createMeter(() => ms)
	meter.watcher.expected?.(1_000, 1e9)
	const line = () => plainLine('replicate n2', meter.read())
	for (let second = 0; second < 10; second++) {
		ms += 1_000
		meter.watcher.done?.('copied', 1e6)
		assert.match(line(), / to go$/)
	}
	for (let second = 0; second < 300; second++) {
		ms += 1_000
		meter.read()
	}
	assert.doesNotMatch(line(), /to go/)
})
