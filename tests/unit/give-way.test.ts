/** When the thread that answers counts as idle, so that the caller runs where it runs. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { createGiveWay, ofMachine } from '../../client/fuse/give-way.ts'
import { getPriority, getScheduler, PRIO_PROCESS, SCHED } from '../../client/fuse/system-calls.ts'
import { until } from '../support/until.ts'

const QUICK_MS = 0.01
const KEPT_MS = 20

function watched() {
	let nowMs = 0
	let isIdle = false
	const machine = { isBusy: false, glances: 0 }
	const way = createGiveWay(
		{
			isBusy: () => {
				machine.glances++
				return machine.isBusy
			},
			countAsIdle: (idle) => {
				isIdle = idle
			},
		},
		() => nowMs,
	)
	/** How many of so many answers were written as one of the idle. */
	const answer = (times: number, ms = QUICK_MS) => {
		let idle = 0
		for (let i = 0; i < times; i++) {
			const written = way.answer(() => {
				if (isIdle) idle++
				nowMs += ms
				return i
			})
			assert.equal(written, i)
			assert.equal(isIdle, false)
		}
		return idle
	}
	const later = (ms: number) => {
		nowMs += ms
	}
	return { way, machine, answer, later }
}

test('not before the caller is beside, then with each answer', () => {
	const { way, answer } = watched()
	assert.equal(answer(10), 0)
	way.begin()
	assert.equal(answer(1_000), 1_000)
})

test('not where all processors are busy, nor for long when they become so', () => {
	const { way, machine, answer } = watched()
	machine.isBusy = true
	way.begin()
	assert.equal(answer(10), 0)
	machine.isBusy = false
	way.begin()
	assert.equal(answer(10), 10)
	machine.isBusy = true
	assert.ok(answer(1_000) < 64)
	assert.equal(machine.glances, 3)
})

test('not again for a while once it was kept from going on, each time longer, until all was well for long', () => {
	const { way, answer, later } = watched()
	const restMs = () => {
		for (let ms = 100; ; ms += 100) {
			later(100)
			way.begin()
			if (answer(1) === 1) return ms
		}
	}
	way.begin()
	assert.equal(answer(10, KEPT_MS), 1)
	assert.equal(restMs(), 100)
	answer(1, KEPT_MS)
	assert.equal(restMs(), 200)
	for (let i = 0; i < 10; i++) {
		answer(1, KEPT_MS)
		restMs()
	}
	answer(1, KEPT_MS)
	assert.equal(restMs(), 64_000)
	answer(1_000)
	answer(1, KEPT_MS)
	assert.equal(restMs(), 100)
})

test('of the machine: while an answer is written, and afterwards the thread is scheduled as it was', () => {
	const before = [getScheduler(0), getPriority(PRIO_PROCESS, 0)]
	const machine = ofMachine()
	assert.deepEqual([getScheduler(0), getPriority(PRIO_PROCESS, 0)], before)
	const way = createGiveWay(machine && { ...machine, isBusy: () => false })
	way.begin()
	const policies = new Set(Array.from({ length: 10 }, () => way.answer(() => getScheduler(0))))
	assert.deepEqual(policies.has(SCHED.IDLE), machine !== undefined)
	assert.deepEqual([getScheduler(0), getPriority(PRIO_PROCESS, 0)], before)
	assert.equal(machine !== undefined, mayBeNice(), 'whoever may raise himself')
})

/** CAP_SYS_NICE, as the kernel shows it. */
function mayBeNice(): boolean {
	const [, capabilities] = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? ['', '0']
	return (BigInt(`0x${capabilities}`) & (1n << 23n)) !== 0n
}

test('of the machine: as many as there are processors are busy', async () => {
	const machine = ofMachine()
	if (!machine) return
	const hogs = Array.from({ length: availableParallelism() }, () => spawn('sh', ['-c', 'while :; do :; done']))
	try {
		await until('all processors are busy', async () => machine.isBusy() || undefined)
	} finally {
		for (const hog of hogs) hog.kill('SIGKILL')
	}
})
