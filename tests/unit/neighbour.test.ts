/** When the thread that answers goes over to the processor of who asks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNeighbour, type Neighbour } from '../../client/fuse/neighbour.ts'
import { getAffinity } from '../../client/fuse/system-calls.ts'

const LATE = 0.02
const SOON = 0.002
const BUSY = 2

function watched({ theirs }: { theirs?: number } = { theirs: 1 }) {
	const went: number[] = []
	let own = 0
	let nowMs = 0
	const goTo = (processor: number) => {
		went.push(processor)
		own = processor
	}
	const looked = { times: 0 }
	const beside = { times: 0 }
	const of = () => {
		looked.times++
		return theirs
	}
	const neighbour = createNeighbour(() => void beside.times++, { of, own: () => own, goTo }, () => nowMs)
	const later = (ms = 1_000) => {
		nowMs += ms
	}
	const away = () => {
		own = 0
	}
	return { went, neighbour, looked, beside, later, away }
}

function ask(neighbour: Neighbour, pid: number, waitedMs: number, times = 20): void {
	for (let i = 0; i < times; i++) neighbour.came(pid, waitedMs)
}

test('once, for one caller whose requests keep coming late', () => {
	const { went, neighbour, beside } = watched()
	ask(neighbour, 7, LATE, 2)
	assert.deepEqual(went, [])
	assert.equal(beside.times, 0)
	ask(neighbour, 7, LATE)
	assert.deepEqual(went, [1])
	assert.equal(beside.times, 1)
})

test('who is here already and late all the same is beside us too', () => {
	const { went, neighbour, beside } = watched({ theirs: 0 })
	ask(neighbour, 7, LATE)
	assert.deepEqual(went, [])
	assert.equal(beside.times, 1)
})

test('again when they are apart again, but not without rest', () => {
	const { went, neighbour, later, away } = watched()
	ask(neighbour, 7, LATE)
	away()
	ask(neighbour, 7, LATE)
	assert.deepEqual(went, [1])
	later()
	ask(neighbour, 7, LATE)
	assert.deepEqual(went, [1, 1])
})

test('who is late all the same is looked for less and less, and as before once his requests were not late', () => {
	const { went, neighbour, looked, later, away } = watched()
	for (let ms = 0; ms < 1_000; ms++) {
		later(1)
		ask(neighbour, 7, LATE)
	}
	assert.deepEqual(went, [1])
	assert.ok(looked.times > 10 && looked.times < 30, `${looked.times} times`)
	ask(neighbour, 7, SOON, 100)
	later()
	for (let i = 0; i < 2; i++) {
		away()
		later(3)
		ask(neighbour, 7, LATE)
	}
	assert.deepEqual(went, [1, 1, 1])
})

test('who is taken away each time is followed less and less', () => {
	const { went, neighbour, later, away } = watched()
	for (let ms = 0; ms < 1_000; ms++) {
		later(1)
		away()
		ask(neighbour, 7, LATE)
	}
	assert.ok(went.length > 10 && went.length < 30, `${went.length} times`)
})

test('never for who is quick, who is busy with something else, or several in turn', () => {
	const { went, neighbour, later } = watched()
	for (const waitedMs of [SOON, BUSY]) ask(neighbour, 7, waitedMs)
	for (let i = 0; i < 20; i++) {
		later()
		neighbour.came(i % 2, LATE)
		neighbour.came(8, LATE)
		neighbour.came(9, LATE)
	}
	assert.deepEqual(went, [])
})

test('what the kernel asks of its own accord does not count, either way', () => {
	const { went, neighbour } = watched()
	ask(neighbour, 0, LATE)
	assert.deepEqual(went, [])
	for (let i = 0; i < 10; i++) {
		neighbour.came(7, LATE)
		neighbour.came(0, SOON)
	}
	assert.deepEqual(went, [1])
})

test('a caller who is gone is no reason', () => {
	const { went, neighbour, beside } = watched({})
	ask(neighbour, 7, LATE)
	assert.deepEqual(went, [])
	assert.equal(beside.times, 0)
})

test('of the machine: wherever the caller is, the thread may run where it might before', () => {
	const mask = () => {
		const bytes = new Uint8Array(128)
		getAffinity(0, bytes.length, bytes)
		return Buffer.from(bytes).toString('hex')
	}
	const before = mask()
	let nowMs = 0
	const neighbour = createNeighbour(() => undefined, undefined, () => nowMs)
	for (let i = 0; i < 10; i++) {
		nowMs += 1_000
		ask(neighbour, process.ppid, LATE)
		ask(neighbour, 2 ** 22 + 1, LATE)
	}
	assert.equal(mask(), before)
})
