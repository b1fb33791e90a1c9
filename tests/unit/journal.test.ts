/** Following the journal: every change once, whatever the order in which commits become visible. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import type { Capabilities, Reader } from '../../core/catalogue/driver.ts'
import { BATCH_ROWS_MAX, createJournal, type Journal } from '../../core/filesystem/journal.ts'
import { run } from '../../core/op.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const SERVER = { synchronous: false } as Capabilities
const EMBEDDED = { synchronous: true } as Capabilities
/** Longer than a missing number is waited for. */
const LONG_MS = 60_000

const row = (seq: number): ChangeRow => ({ seq, client_id: 1, op: 'create', parent_id: null, name: null, file_id: null, detail: null })

/** The table as this reader sees it: numbers become visible when their transaction commits. All of it is young. */
function table() {
	const visible = new Set<number>()
	let answered = 0
	const reader = {
		get: () => ({ seq: visible.size === 0 ? null : Math.max(...visible) }),
		all: (sql: string, params: number[]) => {
			const rows = [...visible].sort((a, b) => a - b).map(row)
			const found = /LIMIT \?$/.test(sql) ? rows.filter(({ seq }) => isAskedFor(seq, sql, params)).slice(0, params.at(-1)) : rows
			answered += found.length
			return found
		},
	} as unknown as Reader
	const commit = (...seqs: number[]) => {
		for (const seq of seqs) visible.add(seq)
	}
	return { commit, reader, answered: () => answered }
}

function isAskedFor(seq: number, sql: string, [low, high, ...missing]: number[]): boolean {
	return seq > low && (!sql.includes(' IN ') || seq > high || missing.slice(0, -1).includes(seq))
}

function read(journal: Journal, reader: Reader): number[] {
	return (run(journal.read(reader)) as ChangeRow[]).map(({ seq }) => seq)
}

function following(capabilities: Capabilities, transactionMs?: number) {
	const clock = { ms: 0 }
	const journal = createJournal(capabilities, { nowMs: () => clock.ms, transactionMs })
	const { commit, reader, answered } = table()
	return { clock, journal, commit, reader, answered, read: () => read(journal, reader) }
}

for (const [name, capabilities] of [['a server', SERVER], ['the embedded engine', EMBEDDED]] as const) {
	test(`${name}: starts after what is there, then gives everything once`, () => {
		const { journal, commit, reader, read } = following(capabilities)
		commit(1, 2, 3)
		run(journal.start(reader))
		assert.deepEqual(read(), [])
		commit(4, 5)
		assert.deepEqual(read(), [4, 5])
		assert.deepEqual(read(), [])
		commit(6)
		assert.deepEqual(read(), [6])
	})

	test(`${name}: much is given in parts, each row once`, () => {
		const { journal, commit, reader } = following(capabilities)
		const many = 2 * BATCH_ROWS_MAX + 10
		commit(...Array.from({ length: many }, (_, index) => index + 1))
		const parts: number[][] = []
		run(journal.readEach(reader, (rows) => void parts.push(rows.map(({ seq }) => seq))))
		assert.deepEqual(parts.map(({ length }) => length), [BATCH_ROWS_MAX, BATCH_ROWS_MAX, 10])
		assert.deepEqual(parts.flat(), Array.from({ length: many }, (_, index) => index + 1))
	})

	test(`${name}: starts on an empty table`, () => {
		const { journal, commit, reader, read } = following(capabilities)
		run(journal.start(reader))
		commit(1)
		assert.deepEqual(read(), [1])
	})

	test(`${name}: a gap that a rolled-back transaction left does not hold up what follows`, () => {
		const { commit, read, clock } = following(capabilities)
		commit(1, 3, 4)
		assert.deepEqual(read(), [1, 3, 4])
		assert.deepEqual(read(), [])
		clock.ms += LONG_MS
		assert.deepEqual(read(), [])
		commit(5)
		assert.deepEqual(read(), [5])
	})

	test(`${name}: more than one batch at once`, () => {
		const { commit, read } = following(capabilities)
		const many = Array.from({ length: 12_345 }, (_, index) => index + 1)
		commit(...many)
		assert.deepEqual(read(), many)
		assert.deepEqual(read(), [])
	})
}

test('a change with a lower number that commits late is not missed', () => {
	const { commit, read } = following(SERVER)
	commit(1, 4)
	assert.deepEqual(read(), [1, 4])
	commit(3)
	assert.deepEqual(read(), [3])
	commit(2, 5)
	assert.deepEqual(read(), [2, 5])
	assert.deepEqual(read(), [])
})

test('what was seen above missing numbers is not read again, as long as these are few', () => {
	const { commit, read, answered } = following(SERVER)
	const late = Array.from({ length: 10 }, (_, index) => 100 * (index + 1))
	const early = Array.from({ length: 1_200 }, (_, index) => index + 1).filter((seq) => !late.includes(seq))
	commit(...early)
	assert.deepEqual(read(), early)
	assert.equal(answered(), early.length)
	assert.deepEqual(read(), [])
	commit(500, 1_201)
	assert.deepEqual(read(), [500, 1_201])
	commit(...late.filter((seq) => seq !== 500))
	assert.deepEqual(read(), late.filter((seq) => seq !== 500))
	assert.equal(answered(), 1_201)
})

test('a change that commits after the start is not missed, though its number is lower than the last', () => {
	const { journal, commit, reader, read } = following(SERVER)
	commit(7, 8, 10)
	run(journal.start(reader))
	assert.deepEqual(read(), [])
	commit(9, 11)
	assert.deepEqual(read(), [9, 11])
})

test('a missing number is waited for as long as a transaction may take', () => {
	const { commit, read, clock } = following(SERVER, 2 * LONG_MS)
	commit(1, 3)
	assert.deepEqual(read(), [1, 3])
	clock.ms += LONG_MS
	assert.deepEqual(read(), [])
	commit(2)
	assert.deepEqual(read(), [2])
})

test('two gaps settle each by its own time', () => {
	const { commit, read, clock, journal } = following(SERVER)
	commit(2)
	read()
	clock.ms += 9_000
	commit(4)
	assert.deepEqual(read(), [4])
	clock.ms += 2_000
	read()
	assert.deepEqual(journal.query()[1][0], 2)
	commit(3)
	assert.deepEqual(read(), [3])
	assert.deepEqual(journal.query()[1][0], 4)
})

test('the query asks for no more than the window once gaps have settled', () => {
	const { commit, read, clock, journal } = following(SERVER)
	for (let seq = 2; seq < 1_000; seq += 2) commit(seq)
	read()
	clock.ms += LONG_MS
	read()
	assert.equal(journal.query()[1][0], 998)
})

test('a busy moment behind a gap does not hide what follows it', () => {
	const { commit, read } = following(SERVER)
	commit(1)
	read()
	// 2 was rolled back, or has yet to commit.
	const many = Array.from({ length: 6_000 }, (_, index) => index + 3)
	commit(...many)
	assert.deepEqual([...read(), ...read()].length, many.length)
	commit(7_000)
	assert.deepEqual(read(), [7_000])
})

test('numbers that grow by more than one, as on a cluster, hide nothing', () => {
	const { commit, read } = following(SERVER)
	let seen = 0
	for (let seq = 3; seq < 3 * 9_000; seq += 3) {
		commit(seq)
		if (seq % 3_000 === 0) seen += read().length
	}
	seen += read().length
	assert.equal(seen, 8_999)
})

test('every change exactly once, however commits are shuffled within the window', () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < 30; round++) {
		const { commit, read, clock } = following(SERVER)
		const open: number[] = []
		const committed: number[] = []
		const got: number[] = []
		for (let seq = 1; seq <= 300; seq++) {
			open.push(seq)
			while (open.length > 0 && random.chance(0.55)) {
				const [one] = open.splice(random.below(open.length), 1)
				if (random.chance(0.1)) continue
				commit(one)
				committed.push(one)
			}
			if (open.length > 20) open.shift()
			if (random.chance(0.3)) got.push(...read())
			// Far below what a number is waited for.
			clock.ms += random.below(10)
		}
		got.push(...read())
		assert.deepEqual([...got].sort((a, b) => a - b), committed.sort((a, b) => a - b))
	}
})
