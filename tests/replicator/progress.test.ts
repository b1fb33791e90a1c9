/** How a run is shown, by a clock that is told what time it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Screen, showRun } from '../../cli/progress.ts'
import { createMeter, type Progress } from '../../cli/progress-meter.ts'
import { barLine, plainLine, showDuration, summaryLine } from '../../cli/progress-text.ts'
import { startRun } from '../../replicator/run.ts'

const MIB = 1024 ** 2

/** A terminal, or none, whose time goes on when it is told to. */
function fakeScreen(isTerminal: boolean) {
	let ms = 0
	const rounds = new Set<{ ms: number; round: () => void; next: number }>()
	const lines: string[] = []
	const drawn: string[] = []
	const screen: Screen = {
		isTerminal,
		columns: () => 100,
		draw: (text) => drawn.push(text),
		nowMs: () => ms,
		every(period, round) {
			const timer = { ms: period, round, next: ms + period }
			rounds.add(timer)
			return () => rounds.delete(timer)
		},
	}
	const deps = { print: (line: string) => lines.push(line), warn: (line: string) => lines.push(`! ${line}`) }
	function pass(milliseconds: number): void {
		for (const end = ms + milliseconds; ms < end; ) {
			ms += 100
			for (const timer of [...rounds]) {
				if (timer.next > ms) continue
				timer.next += timer.ms
				timer.round()
			}
		}
	}
	return { screen, deps, lines, drawn, pass, timers: rounds }
}

const NO_TEXT = Buffer.from('d/\xff', 'latin1')

test('share, rates and time to go follow what was told', () => {
	let ms = 0
	const { watcher, read } = createMeter(() => ms)
	assert.equal(read().share, undefined)
	assert.equal(read().secondsLeft, undefined)
	watcher.expected?.(100, 100 * MIB)
	for (let second = 1; second <= 50; second++) {
		ms = second * 1000
		watcher.moved?.(MIB)
		watcher.done?.('copied', MIB)
		read()
	}
	const half = read()
	assert.ok(Math.abs((half.share ?? 0) - 0.5) < 1e-9)
	assert.ok(Math.abs(half.filesPerSecond - 1) < 1e-6)
	assert.ok(Math.abs(half.bytesPerSecond - MIB) < 1)
	assert.ok(Math.abs((half.secondsLeft ?? 0) - 50) < 0.01)
})

test('a rate forgets what was long ago', () => {
	let ms = 0
	const { watcher, read } = createMeter(() => ms)
	const go = (perSecond: number) => {
		for (let second = 0; second < 60; second++) {
			ms += 1000
			for (let file = 0; file < perSecond; file++) watcher.done?.('known', 0)
			read()
		}
	}
	go(100)
	go(10)
	assert.ok(Math.abs(read().filesPerSecond - 10) < 1)
})

test('part of a large file moves the share, and its end does not move it again', () => {
	const { watcher, read } = createMeter(() => 0)
	watcher.expected?.(1, 1000 * MIB)
	watcher.moved?.(500 * MIB)
	assert.ok(Math.abs((read().share ?? 0) - 0.5) < 0.001)
	watcher.moved?.(500 * MIB)
	watcher.done?.('copied', 1000 * MIB)
	assert.deepEqual([read().bytes, read().share], [1000 * MIB, 1])
})

const PROGRESS: Progress = {
	files: 1234,
	bytes: 3 * MIB,
	filesExpected: 5000,
	bytesExpected: 12 * MIB,
	left: 2,
	seconds: 10,
	filesPerSecond: 123.4,
	bytesPerSecond: MIB,
	share: 0.25,
	secondsLeft: 200,
}

test('a bar fits its terminal, whatever its width', () => {
	assert.equal(
		barLine('replicate node1', PROGRESS, 150),
		`replicate node1 [${'='.repeat(10)}${' '.repeat(30)}] 25%, 1,236 of 5,000 files, 3.0M of 12.0M, 2 left, 123 files/s, 1.0M/s, 3:20 min to go`,
	)
	for (const columns of [1, 10, 40, 80, 100, 200]) assert.ok(barLine('replicate node1', PROGRESS, columns).length < columns)
	assert.doesNotMatch(barLine('replicate node1', PROGRESS, 60), /\[/)
	assert.doesNotMatch(barLine('walk', { ...PROGRESS, share: undefined, secondsLeft: undefined }, 120), /\[|%|to go/)
})

test('durations, plain lines', () => {
	assert.deepEqual([0.4, 59.6, 61, 3_599, 7_500, 200_000].map(showDuration), [
		'0 s',
		'1:00 min',
		'1:01 min',
		'59:59 min',
		'2:05 h',
		'2 d',
	])
	assert.match(
		plainLine('walk a', { ...PROGRESS, filesPerSecond: 1.26 }),
		/^walk a: 25%, 1,236 of 5,000 files, .* 1.3 files\/s, /,
	)
})

test('every file that was looked at is in one count of the summary', () => {
	const run = startRun(new AbortController().signal)
	for (let file = 0; file < 1200; file++) run.done('copied', MIB)
	for (let file = 0; file < 30; file++) run.done('known', 0)
	run.trouble('a', 'why')
	const line = summaryLine('replicate a', { ...run.summary(), seconds: 60 })
	assert.equal(line, 'replicate a: 1,231 files: 1,200 copied, 30 known, 1 left; 1.2G in 60.0 s, 20.0M/s')
	assert.equal(
		summaryLine('replicate a', { outcomes: { busy: 1, left: 6 }, bytes: 0, troubles: 1, stopped: false, seconds: 0 }),
		'replicate a: 8 files: 1 busy, 7 left in 0.0 s',
	)
	assert.equal(
		summaryLine('trim a', { outcomes: {}, bytes: 0, troubles: 0, stopped: true, seconds: 0 }),
		'trim a: nothing to do in 0.0 s; stopped',
	)
})

test('on a terminal: at most ten bars a second, troubles above, gone at the end', () => {
	const { screen, deps, lines, drawn, pass, timers } = fakeScreen(true)
	const view = showRun('walk a', { json: false, quiet: false }, deps, screen)
	const run = startRun(new AbortController().signal, view.watcher)
	run.expect(10, 0)
	pass(2_000)
	assert.equal(drawn.length, 20)
	run.trouble('x/y', 'EIO')
	assert.deepEqual(lines, ['! walk a: x/y: EIO'])
	assert.deepEqual(
		drawn.slice(-2).map((text) => [text.startsWith('\r\x1b[K'), text.length > 5]),
		[
			[true, false],
			[true, true],
		],
	)
	view.end(run.summary())
	assert.equal(drawn.at(-1), '\r\x1b[K')
	assert.match(lines[1], /^walk a: 1 left/)
	assert.equal(timers.size, 0)
})

test('elsewhere: a line after five seconds, then every half minute', () => {
	const { screen, deps, lines, pass, timers } = fakeScreen(false)
	const view = showRun('walk a', { json: false, quiet: false }, deps, screen)
	pass(4_900)
	assert.equal(lines.length, 0)
	pass(100)
	assert.equal(lines.length, 1)
	pass(60_000)
	assert.equal(lines.length, 3)
	view.end(undefined)
	assert.equal(timers.size, 0)
})

test('quiet: only what went wrong', () => {
	const { screen, deps, lines, pass } = fakeScreen(true)
	const view = showRun('walk a', { json: false, quiet: true }, deps, screen)
	const run = startRun(new AbortController().signal, view.watcher)
	run.note('by the way')
	run.done('known', 1)
	pass(60_000)
	view.end(run.summary())
	assert.deepEqual(lines, [])
	run.trouble('x', 'EIO')
	run.trouble(NO_TEXT, 'EIO')
	assert.deepEqual(lines, ['! walk a: x: EIO', String.raw`! walk a: d/\xff: EIO`])
})

test('JSON: one event a line, progress only when something moved', () => {
	const { screen, deps, lines, pass } = fakeScreen(true)
	const view = showRun('walk a', { json: true, quiet: false }, deps, screen)
	const run = startRun(new AbortController().signal, view.watcher)
	run.expect(3, 30)
	pass(3_000)
	run.done('known', 10)
	run.done('new', 10)
	run.trouble('x', 'EIO')
	run.trouble(NO_TEXT, 'EIO')
	run.note('by the way')
	pass(1_000)
	view.end(run.summary())
	const events = lines.map((line) => JSON.parse(line))
	assert.deepEqual(
		events.map((event) => event.event),
		['start', 'progress', 'trouble', 'trouble', 'note', 'progress', 'summary'],
	)
	assert.ok(events.every((event) => event.run === 'walk a'))
	const { files, outcomes, left } = events.at(-1)
	assert.deepEqual([files, outcomes, left], [4, { known: 1, new: 1 }, 2])
	assert.deepEqual(events.filter(({ event }) => event === 'trouble').map(({ path, pathBase64 }) => ({ path, pathBase64 })), [
		{ path: 'x', pathBase64: undefined },
		{ path: 'd/\ufffd', pathBase64: NO_TEXT.toString('base64') },
	])
})
