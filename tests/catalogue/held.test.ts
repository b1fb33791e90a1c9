/** Changes that are answered before they are committed: whoever dies, and whoever asks, nothing that was answered is missing, and nothing is there twice. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Driver, Transaction } from '../../core/catalogue/driver.ts'
import { fail } from '../../core/errors.ts'
import { wait } from '../../core/op.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { migrate } from '../../core/catalogue/migrate.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { config, holding, open, ready, sqlite } from './engines.ts'
import { killedNow, pathOf } from './killed-now.ts'

const PUT = 'INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)'
const NAMES = 'SELECT name FROM entry ORDER BY name'
const TABLES = `CREATE TABLE counter (n INTEGER NOT NULL); INSERT INTO counter VALUES (0);
	CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL, content BLOB, size REAL)`
const ROUNDS = 12

const put = (name: string) =>
	function* (tx: Transaction) {
		tx.write(PUT, [1, Buffer.from(name), 2])
		return name
	}

async function names(driver: Driver): Promise<string[]> {
	return (await driver.all<{ name: Uint8Array }>(NAMES)).map(({ name }) => Buffer.from(name).toString())
}

/** As somebody sees it who knows nothing of what is held. */
function committed(address: string): string[] {
	const database = new DatabaseSync(pathOf(address))
	const rows = database.prepare(NAMES).all() as Array<{ name: Uint8Array }>
	database.close()
	return rows.map(({ name }) => Buffer.from(name).toString())
}

/** Words of the header: the batch, and the one that was committed. */
function header(path: string): { batch: number; committed: number } {
	const bytes = readFileSync(`${path}-held`)
	return { batch: bytes.readUInt32LE(0), committed: bytes.readUInt32LE(4) }
}

function overwrite(path: string, at: number, bytes: Buffer): void {
	const fd = openSync(path, 'r+')
	writeSync(fd, bytes, 0, bytes.length, at)
	closeSync(fd)
}

test('killed again and again: all that was answered is there, once, and what was not is whole or not there', async (t) => {
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let round = 0; round < ROUNDS; round++) {
		const address = await sqlite.address(t)
		const driver = await open(t, address)
		await driver.script(TABLES)
		const child = startHolding(pathOf(address), seed + round)
		t.after(() => child.kill('SIGKILL'))
		const wanted = 1 + random.below(1_500)
		const answered = await killedAfter(child, wanted)
		const [{ n }] = await driver.all<{ n: number }>('SELECT n FROM counter')
		assert.ok(n === answered || n === answered + 1, `round ${round}: ${answered} were answered and ${n} are there`)
		const last = await driver.get<{ id: number; name: string; size: number }>('SELECT id, name, size FROM thing ORDER BY id DESC LIMIT 1')
		assert.deepEqual({ ...last }, { id: n, name: `thing \u{1f40e} ${n}`, size: n / 3 })
		const { batch, committed } = header(pathOf(address))
		assert.equal(batch, committed, 'nothing is held any more')
	}
})

function startHolding(path: string, seed: number): ChildProcess {
	const program = join(import.meta.dirname, 'held-process.ts')
	return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, path, `${seed}`], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** What it had said by the time it was gone. */
async function killedAfter(child: ChildProcess, wanted: number): Promise<number> {
	let said = ''
	child.stdout?.on('data', (bytes) => {
		said += bytes
		if (said.split('\n').length > wanted) child.kill('SIGKILL')
	})
	await once(child, 'close')
	return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
}

test('it is answered before others can see it, and whoever asks through a driver sees it', async (t) => {
	const { driver, address } = await ready(t, holding)
	const other = await open(t, address)
	assert.equal(driver.transaction(put('a')), 'a')
	assert.deepEqual(committed(address), [], 'held')
	assert.equal(other.isChangedElsewhere(), true)
	assert.notEqual(other.commits(), other.commits(), 'what is known of an answer may not be true any more')
	assert.deepEqual(await names(other), ['a'])
	assert.deepEqual(committed(address), ['a'])
	assert.equal(other.isChangedElsewhere(), true)
	other.markSeen()
	assert.equal(other.isChangedElsewhere(), false)
	assert.equal(driver.isChangedElsewhere(), false, 'it is its own')
})

test('whoever comes by a symlink sees it too', async (t) => {
	const { driver, address } = await ready(t, holding)
	symlinkSync(pathOf(address), `${pathOf(address)}.link`)
	const other = await open(t, `${address}.link`)
	driver.transaction(put('a'))
	assert.deepEqual(await names(other), ['a'])
})

test('who holds sees his own at once, and hears of others', async (t) => {
	const { driver, address } = await ready(t, holding)
	const other = await open(t, address)
	driver.transaction(put('a'))
	assert.deepEqual(await names(driver), ['a'])
	assert.deepEqual(committed(address), [])
	await other.transaction(put('b'))
	assert.equal(driver.isChangedElsewhere(), true)
	assert.deepEqual(await names(driver), ['a', 'b'])
})

test('what others wanted is not held for a while; then it is again', async (t) => {
	const { driver, address } = await ready(t, holding)
	const other = await open(t, address)
	driver.transaction(put('a'))
	await names(other)
	driver.transaction(put('b'))
	assert.deepEqual(committed(address), ['a', 'b'])
	let name = 0
	do {
		await driver.sync()
		driver.transaction(put(`more ${name++}`))
	} while (committed(address).length === 2 + name)
})

test('a body that fails takes back its own and nobody else’s, also where it is done again', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	const failing = function* (tx: Transaction) {
		tx.write(PUT, [1, Buffer.from('gone'), 2])
		yield* wait(tx.get(NAMES))
		fail('ENOTEMPTY')
	}
	assert.throws(() => driver.transaction(failing), { code: 'ENOTEMPTY' })
	assert.throws(() => driver.transaction(put('a')), { code: 'EEXIST' })
	assert.throws(() => driver.change(PUT, [1, Buffer.from('a'), 9]), { code: 'EEXIST' })
	driver.transaction(put('b'))
	assert.equal(driver.change(PUT, [1, Buffer.from('c'), 2]), 1)
	const killed = await open(t, killedNow(t, address))
	assert.deepEqual(await names(killed), ['a', 'b', 'c'])
	assert.deepEqual(await names(driver), ['a', 'b', 'c'])
})

test('sync, a snapshot, a migration and the end commit what is held', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	await driver.sync()
	assert.deepEqual(committed(address), ['a'])
	driver.transaction(put('b'))
	assert.equal((await driver.snapshot(async (reader) => reader.all('SELECT 1 AS one FROM entry'))).length, 2)
	driver.transaction(put('c'))
	await driver.exclusively(async () => assert.deepEqual(committed(address), ['a', 'b', 'c']))
	driver.transaction(put('d'))
	await driver.together(put('e'))
	assert.deepEqual(committed(address), ['a', 'b', 'c', 'd', 'e'])
	const another = await openCatalogue(config(address), { holds: true })
	another.transaction(put('f'))
	await another.close()
	assert.deepEqual(committed(address), ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('committed, and killed before the file said so: it is not done again', async (t) => {
	const address = await sqlite.address(t)
	const driver = await open(t, address, undefined, true)
	await driver.script(TABLES)
	driver.change('UPDATE counter SET n = n + 1')
	const { committed } = header(pathOf(address))
	await driver.sync()
	assert.notEqual(header(pathOf(address)).committed, committed)
	const word = Buffer.alloc(4)
	word.writeUInt32LE(committed)
	overwrite(`${pathOf(address)}-held`, 4, word)
	const other = await open(t, address)
	assert.equal((await other.get<{ n: number }>('SELECT n FROM counter'))?.n, 1)
	assert.equal(header(pathOf(address)).batch, header(pathOf(address)).committed)
})

test('a word that comes late leaves the next batch alone', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	const { batch } = header(pathOf(address))
	await driver.sync()
	driver.transaction(put('b'))
	const late = Buffer.alloc(4)
	late.writeUInt32LE(batch)
	overwrite(`${pathOf(address)}-held`, 4, late)
	const killed = await open(t, killedNow(t, address))
	assert.deepEqual(await names(killed), ['a', 'b'])
})

test('the last record was cut short, or is not what was written: those before it count', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	const before = recordsOf(address).length
	driver.transaction(put('b'))
	// A whole value: what is missing of the file is zeros when it is opened, and so are the last bytes of a small number.
	for (const [index, spoil] of [(bytes: Buffer) => bytes.subarray(0, -4), flipped].entries()) {
		const killed = killedNow(t, address)
		const bytes = recordsOf(killed)
		assert.ok(bytes.length > before)
		writeFileSync(`${pathOf(killed)}-held`, spoil(bytes))
		const database = await openCatalogue(config(killed))
		assert.deepEqual(await names(database), ['a'], `${index}`)
		await database.close()
	}
})

/** Up to the end of the last one that is of this batch. */
function recordsOf(address: string): Buffer {
	const bytes = readFileSync(`${pathOf(address)}-held`)
	let end = 64
	while (bytes.readUInt32LE(end + 8) === bytes.readUInt32LE(0)) end += 12 + bytes.readUInt32LE(end)
	return bytes.subarray(0, end)
}

function flipped(bytes: Buffer): Buffer {
	const copy = Buffer.from(bytes)
	copy[copy.length - 3] ^= 1
	return copy
}

test('every kind of value comes back as it was', async (t) => {
	const { driver, address } = await ready(t, holding)
	await driver.script('CREATE TABLE kept (id INTEGER PRIMARY KEY, value)')
	const values = [
		null, 0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, 0.1, -1e300,
		'', 'a', 'é\u{1f40e}', 'x'.repeat(1_000), new Uint8Array(0), new Uint8Array([0, 255]), new Uint8Array(64).fill(7), new Uint8Array(65).fill(8),
	]
	for (const [id, value] of values.entries()) driver.change('INSERT INTO kept (id, value) VALUES (?,?)', [id, value])
	const killed = await open(t, killedNow(t, address))
	const rows = await killed.all<{ value: unknown }>('SELECT value FROM kept ORDER BY id')
	assert.deepEqual(rows.map(({ value }) => value), values)
})

test('after a restart of the machine nothing of it counts', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	const killed = killedNow(t, address)
	overwrite(`${pathOf(killed)}-held`, 12, Buffer.from('00000000'))
	const database = await open(t, killed)
	assert.deepEqual(await names(database), [])
	await database.transaction(put('a'))
	assert.deepEqual(await names(database), ['a'])
})

test('what can never be carried out is kept aside, and the catalogue goes on', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	const killed = killedNow(t, address)
	const database = new DatabaseSync(pathOf(killed))
	database.exec("INSERT INTO entry (parent_id, name, file_id) VALUES (1, CAST('a' AS BLOB), 7)")
	database.close()
	const warned = once(process, 'warning')
	const after = await open(t, killed)
	assert.deepEqual(await names(after), ['a'])
	assert.match((await warned)[0].message, /are kept in .*killed\.db-held\.\d+/)
	assert.equal(await after.transaction(put('b')), 'b')
	assert.ok(readdirSync(dirname(pathOf(killed))).some((file) => /^killed\.db-held\.\d+$/.test(file)))
})

test('what is too large to be written down is committed before it is answered', async (t) => {
	const { driver, address } = await ready(t, holding)
	driver.transaction(put('a'))
	driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [1, Buffer.from('n'), Buffer.alloc(70_000)])
	assert.deepEqual(committed(address), ['a'])
	const many = Array.from({ length: 3_000 }, (_, index) => `${index}`.padStart(1_000, '0').slice(-255))
	for (const name of many) driver.transaction(put(name))
	const killed = await open(t, killedNow(t, address))
	assert.equal((await names(killed)).length, 1 + many.length)
})

test('a full database: what was answered is there when there is room again', async (t) => {
	const { driver, address } = await ready(t, holding)
	await driver.script('PRAGMA max_page_count = 1')
	const answered: string[] = []
	const putting = () => {
		for (let index = 0; index < 100_000; index++) answered.push(driver.transaction(put(`${index}`.padStart(200, '0'))) as string)
	}
	assert.throws(putting, { code: 'ENOSPC' })
	await driver.script('PRAGMA max_page_count = 1000000')
	assert.deepEqual(await names(driver), answered)
	const other = await open(t, address)
	assert.deepEqual(await names(other), answered)
})

test('on a disk that is nearly full nothing is held', async (t) => {
	const disk = mkdtempSync(join(tmpdir(), 'cairn-held-'))
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', disk])
	t.after(() => {
		execFileSync('umount', ['-l', disk])
		rmSync(disk, { recursive: true, force: true })
	})
	const address = `sqlite:${join(disk, 'catalogue.db')}`
	const driver = await openCatalogue(config(address), { create: true, holds: true })
	await migrate(driver)
	driver.transaction(put('a'))
	assert.deepEqual(committed(address), ['a'])
	execFileSync('mount', ['-o', 'remount,size=1g', disk])
	driver.transaction(put('b'))
	assert.deepEqual(committed(address), ['a'])
	await driver.close()
})

test('another who wants to write has his turn, however busy who holds is', async (t) => {
	const address = await sqlite.address(t)
	const driver = await open(t, address)
	await driver.script(TABLES)
	const child = startHolding(pathOf(address), seedOfRun())
	t.after(() => child.kill('SIGKILL'))
	await once(child.stdout as NodeJS.ReadableStream, 'data')
	for (let turn = 1; turn <= 20; turn++) {
		await driver.change('INSERT INTO thing (id, name) VALUES (?,?)', [-turn, 'mine'])
		const [{ n }] = await driver.all<{ n: number }>('SELECT COUNT(*) AS n FROM thing WHERE id < 0')
		assert.equal(n, turn)
	}
})

test('the file has the mode of the catalogue; where it cannot be made, nothing is held and nothing fails', async (t) => {
	const { address } = await ready(t, sqlite)
	const file = `${pathOf(address)}-held`
	assert.equal(statSync(file).mode & 0o777, statSync(pathOf(address)).mode & 0o777)
	rmSync(file)
	mkdirSync(file)
	const driver = await open(t, address, undefined, true)
	assert.equal(driver.transaction(put('a')), 'a')
	assert.deepEqual(committed(address), ['a'])
	assert.deepEqual(await names(driver), ['a'])
})
