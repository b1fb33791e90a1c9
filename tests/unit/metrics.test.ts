/** Counting, and the form in which it is shown. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { latenciesOf } from '../../core/live/latencies.ts'
import { createRing } from '../../core/live/top.ts'
import { gaugeFamily, together } from '../../core/metrics/family.ts'
import { counter, families, histogram } from '../../core/metrics/registry.ts'
import { toText } from '../../core/metrics/text.ts'

test('counters and histograms as Prometheus reads them', () => {
	const files = counter('test_files_total', 'Files.\nOf a test.', ['name'])
	files.add(2, 'a"b\\c\nd')
	files.cell('x').value += 1
	const seconds = histogram('test_seconds', 'Time.', [], [0.1, 1])
	for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value)
	const own = families().filter(({ name }) => name.startsWith('test_'))
	assert.equal(
		toText(own),
		[
			'# HELP test_files_total Files.\\nOf a test.',
			'# TYPE test_files_total counter',
			'test_files_total{name="a\\"b\\\\c\\nd"} 2',
			'test_files_total{name="x"} 1',
			'# HELP test_seconds Time.',
			'# TYPE test_seconds histogram',
			'test_seconds_bucket{le="0.1"} 2',
			'test_seconds_bucket{le="1"} 3',
			'test_seconds_bucket{le="+Inf"} 4',
			'test_seconds_sum 7.65',
			'test_seconds_count 4',
			'',
		].join('\n'),
	)
	assert.throws(() => counter('test_files_total', 'again'), /counted already/)
})

test('a name that never comes twice does not fill the memory', () => {
	const many = counter('test_many_total', 'Many.', ['file'])
	for (let each = 0; each < 5_000; each++) many.add(1, `file ${each}`)
	const family = families().find(({ name }) => name === 'test_many_total')
	assert.equal(family?.samples.length, 1_001)
	assert.equal(family?.samples.reduce((sum, { value }) => sum + value, 0), 5_000)
})

test('series of several processes stand together under one name', () => {
	const up = (value: number) => [gaugeFamily('test_up', 'Up.', [[{ node: 'a' }, value]])]
	const merged = together([{ families: up(1), labels: { pid: '1' } }, { families: up(0), labels: { pid: '2' } }])
	assert.equal(toText(merged), '# HELP test_up Up.\n# TYPE test_up gauge\ntest_up{pid="1",node="a"} 1\ntest_up{pid="2",node="a"} 0\n')
})

test('the last operations are a sample of what goes on', () => {
	let now = 10_000
	const ring = createRing(() => now)
	for (let each = 0; each < 100; each++) {
		ring.carried(1_000)
		ring.note(15, 7, 42, now - 1_000, 0.5)
	}
	ring.note(3, 8, 1, now - 5_000, 0.5)
	assert.deepEqual(ring.read((operation) => `op${operation}`), [
		{ pid: 7, file: 42, operation: 'op15', perSecond: 50, bytesPerSecond: 50_000, latencyMs: 0.5 },
	])
	// More than the ring holds: what it has is a tenth of a second.
	for (let each = 0; each < 20_000; each++) ring.note(3, 8, 1, now + each / 100, 1)
	now += 200
	const [busiest] = ring.read(String)
	assert.equal(Math.abs(busiest.perSecond / 100_000 - 1) < 0.05, true)
	now += 60_000
	assert.deepEqual(ring.read(String), [])
})

test('of several processes that use a node the slowest counts, reads and writes apart', () => {
	const said = (...values: Array<[node: string, op: string, seconds: number]>) => ({
		families: [gaugeFamily('cairn_node_latency_seconds', '', values.map(([node, op, value]) => [{ node, op }, value]))],
	})
	const found = latenciesOf([said(['a', 'read', 0.001], ['b', 'read', 0.002]), { families: [] }, {}, said(['a', 'read', 0.004], ['a', 'write', 0.5])])
	assert.deepEqual(Object.fromEntries(found), { a: { readMs: 4, writeMs: 500 }, b: { readMs: 2 } })
})
