/** Changes that wait for the next transaction: none is lost, none goes before its turn. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import type { Query, Transaction } from '../../core/catalogue/driver.ts'
import { Errno, fail } from '../../core/errors.ts'
import { type Filesystem, flushLater, transact } from '../../core/filesystem/filesystem.ts'
import { createLater } from '../../core/filesystem/later.ts'
import { type Maybe, type Op, run } from '../../core/op.ts'

const query = (name: string): Query => [name, []]

/** What was committed, in order, and a catalogue that fails or takes its time as told. */
function fake() {
	const committed: string[] = []
	const state = { fails: false, hold: undefined as Promise<void> | undefined, attempts: 0 }
	function transaction<T>(body: (tx: Transaction) => Op<T>): Maybe<T> {
		state.attempts++
		const wrote: string[] = []
		const result = run(body({ write: (sql: string) => wrote.push(sql), along: () => undefined } as unknown as Transaction)) as T
		const finish = () => {
			if (state.fails) fail('EIO')
			committed.push(...wrote)
			return result
		}
		return state.hold ? state.hold.then(finish) : finish()
	}
	let flushed = 0
	const later = createLater(() => flushed++)
	const fs = { catalogue: { transaction }, capabilities: { synchronous: false }, later, journal: { position: () => 0 }, shared: false } as unknown as Filesystem
	return { fs, later, committed, state, flushed: () => flushed }
}

function* write(tx: Transaction, name: string): Op<string> {
	tx.write(name)
	return name
}

test('goes with the next transaction, before it and in order', () => {
	const { fs, later, committed } = fake()
	later.add(query('1'))
	later.add(query('2'))
	assert.equal(transact(fs, (tx) => write(tx, 'own')), 'own')
	assert.deepEqual(committed, ['1', '2', 'own'])
	assert.equal(later.size(), 0)
	transact(fs, (tx) => write(tx, 'next'))
	assert.deepEqual(committed, ['1', '2', 'own', 'next'])
})

for (const asynchronous of [false, true]) {
	test(`is put back when the transaction fails${asynchronous ? ' later' : ''}, before what came meanwhile`, async () => {
		const { fs, later, committed, state } = fake()
		later.add(query('1'))
		state.fails = true
		if (asynchronous) state.hold = after(5)
		const failing = async () => transact(fs, (tx) => write(tx, 'own'))
		const attempt = assert.rejects(failing(), { code: 'EIO' })
		later.add(query('2'))
		await attempt
		state.fails = false
		state.hold = undefined
		flushLater(fs)
		assert.deepEqual(committed, ['1', '2'])
	})
}

test('a body that throws takes nothing with it', () => {
	const { fs, later, committed } = fake()
	later.add(query('1'))
	assert.throws(() => transact(fs, () => fail('EEXIST')), Errno)
	assert.equal(later.size(), 1)
	flushLater(fs)
	assert.deepEqual(committed, ['1'])
})

test('written() waits for what is under way, and only for that', async () => {
	const { fs, later, committed, state } = fake()
	assert.equal(later.written(), undefined)
	later.add(query('1'))
	let deliver = () => {}
	state.hold = new Promise((resolve) => {
		deliver = resolve
	})
	const first = transact(fs, (tx) => write(tx, 'own')) as Promise<string>
	const written = later.written() as Promise<void>
	let isWritten = false
	const waiting = written.then(() => {
		isWritten = true
	})
	await after(5)
	assert.equal(isWritten, false)
	deliver()
	await waiting
	assert.deepEqual(committed, ['1', 'own'])
	assert.equal(await first, 'own')
	assert.equal(later.written(), undefined)
})

test('written() also resolves when it was put back', async () => {
	const { fs, later, state } = fake()
	later.add(query('1'))
	state.fails = true
	state.hold = Promise.resolve()
	const failing = assert.rejects(transact(fs, (tx) => write(tx, 'own')) as Promise<string>)
	await later.written()
	assert.equal(later.size(), 1)
	await failing
	later.take()
})

test('is flushed by itself when nothing else happens', async () => {
	const { later, flushed } = fake()
	later.add(query('1'))
	later.add(query('2'))
	while (flushed() === 0) await after(1)
	assert.equal(flushed(), 1)
	later.take()
})

test('a catalogue that fails at once is asked again, but not without a pause', (t) => {
	t.mock.timers.enable({ apis: ['setTimeout'] })
	const { fs, state } = fake()
	const made = createLater(() => {
		try {
			flushLater({ ...fs, later: made })
		} catch (error) {
			assert.equal((error as Errno).code, 'EIO')
		}
	})
	state.fails = true
	made.add(query('1'))
	for (let ms = 0; ms < 10_000; ms++) t.mock.timers.tick(1)
	assert.ok(state.attempts >= 2)
	assert.ok(state.attempts <= 100, `${state.attempts} times in ten seconds`)
})

for (const asynchronous of [false, true]) {
	test(`an outage is reported once, and over with the first commit${asynchronous ? ', on a server' : ''}`, async (t) => {
		t.mock.timers.enable({ apis: ['setTimeout'] })
		const { fs, state, committed } = fake()
		const reports: string[] = []
		const later = createLater(() => flushLater({ ...fs, later }), (error) => reports.push(error.message))
		async function pass(ms: number): Promise<void> {
			for (let count = 0; count < ms; count++) {
				t.mock.timers.tick(1)
				if (asynchronous) await new Promise(setImmediate)
			}
		}
		if (asynchronous) state.hold = Promise.resolve()
		for (const outage of [1, 2]) {
			state.fails = true
			later.add(query(`${outage}`))
			await pass(500)
			assert.equal(reports.length, outage)
			assert.ok(state.attempts >= 2 * outage)
			state.fails = false
			await pass(5_000)
			assert.equal(committed.length, 2 * outage - 1)
			// Without a pause again.
			later.add(query('after'))
			await pass(5)
			assert.equal(committed.length, 2 * outage)
		}
	})
}

test('a body that throws says nothing of the catalogue: what waits is written as soon as ever', (t) => {
	t.mock.timers.enable({ apis: ['setTimeout'] })
	const { fs, committed } = fake()
	const later = createLater(() => flushLater({ ...fs, later }))
	later.add(query('1'))
	for (let count = 0; count < 10; count++) assert.throws(() => transact({ ...fs, later }, () => fail('EEXIST')), Errno)
	t.mock.timers.tick(5)
	assert.deepEqual(committed, ['1'])
})

test('once it has ended nothing is asked any more: the catalogue is closed, and the process is to end', (t) => {
	t.mock.timers.enable({ apis: ['setTimeout'] })
	const { fs, later, state } = fake()
	state.fails = true
	later.add(query('1'))
	later.end()
	assert.throws(() => transact(fs, (tx) => write(tx, 'own')), { code: 'EIO' })
	assert.equal(state.attempts, 1)
	for (let ms = 0; ms < 10_000; ms++) t.mock.timers.tick(1)
	assert.equal(state.attempts, 1)
})
