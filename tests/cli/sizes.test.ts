/** Numbers of bytes as they are typed and shown. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '../../core/errors.ts'
import { parseSize, showSize } from '../../cli/sizes.ts'
import { makeWorkplace } from './workplace.ts'

test('a letter is 1024 times the one before it, typed and shown', () => {
	const sizes: Array<[string, number, string]> = [
		['0', 0, '0'],
		['1023', 1_023, '1023'],
		['1K', 1_024, '1.0K'],
		['1.5k', 1_536, '1.5K'],
		['100MiB', 104_857_600, '100M'],
		['10GB', 10_737_418_240, '10.0G'],
		['2t', 2_199_023_255_552, '2.0T'],
		['7.5P', 8_444_249_301_319_680, '7.5P'],
	]
	assert.deepEqual(sizes.map(([typed]) => [parseSize(typed, '--size'), showSize(parseSize(typed, '--size'))]), sizes.map(([, bytes, shown]) => [bytes, shown]))
	for (const wrong of ['', 'G', '-1', '1 G', '1X', '1e3', '8P', '99999999999999999T']) assert.throws(() => parseSize(wrong, '--size'), UserError)
})

test('what a node is to keep free is what was typed', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	await place.cairn('node', 'add', 'a', place.makeDirectory('a'), '--reserve', '10G')
	const [{ reserve }] = JSON.parse((await place.cairn('node', 'list', '--json')).stdout)
	assert.equal(reserve, 10 * 1024 ** 3)
})
