/** Dumps: what one engine wrote the other one loads, and what is cut, damaged or newer loads nothing. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { dumpInto } from '../../cli/dump.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import { makeRoom } from '../../cli/load.ts'
import type { Deps } from '../../cli/verb.ts'
import type { Driver, Value } from '../../core/catalogue/driver.ts'
import { loadDump } from '../../core/catalogue/dump/load.ts'
import { verifyDump } from '../../core/catalogue/dump/read.ts'
import { LEFT_OUT, TABLES } from '../../core/catalogue/dump/tables.ts'
import { writeDump } from '../../core/catalogue/dump/write.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { checkSchema, FILLING } from '../../core/catalogue/migrate.ts'
import { engines, mariadb, open, ready, sqlite } from '../catalogue/engines.ts'

function folder(t: TestContext): string {
	const path = mkdtempSync(join(tmpdir(), 'cairn-dump-'))
	t.after(() => rmSync(path, { recursive: true, force: true }))
	return path
}

/** Every kind of value a catalogue can have, and more rows than a page has. */
async function fill(driver: Driver): Promise<void> {
	await initialise(driver, {
		owner: { uid: 0, gid: 0 },
		classes: [{ name: 'all “of” it', pattern: 'a\\d+\n"', copies: 2 }],
		now: { s: 1, ns: 5 },
	})
	const every = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 0x2f))
	const long = 2 ** 40
	const put = async (table: string, columns: string, rows: Value[][]) => {
		await driver.transaction(function* (tx) {
			for (const row of rows) tx.write(`INSERT INTO ${table} (${columns}) VALUES (${row.map(() => '?').join(',')})`, row)
		})
	}
	const file = (id: number, kind: number, rest: Value[] = [null, 0, null]) => [
		id,
		kind,
		0o4755,
		70000,
		5,
		2049,
		1,
		long,
		7,
		-5,
		999_999_999,
		2 ** 33,
		1,
		3,
		4,
		9,
		...rest,
	]
	const columns =
		'id, kind, mode, uid, gid, rdev, nlink, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, hash, hash_version, target'
	const many = Array.from({ length: 1_100 }, (_, i) => 100 + i)
	await put('file', columns, [
		file(16, 10, [null, 0, every]),
		file(17, 8, [createHash('sha256').digest(), 9, null]),
		file(long, 4),
		...many.map((id) => file(id, 8)),
	])
	await put('entry', 'parent_id, name, file_id', [
		[1, every, 16],
		[1, Buffer.from([0xff, 0xfe]), 17],
		[1, Buffer.from('A'), 17],
		[1, Buffer.from('a'), long],
		...many.map((id): Value[] => [long, Buffer.from(`f${id}`), id]),
	])
	await put('replica', 'file_id, node_id, version, state, verified_at', [
		[17, 1, 9, 1, 1234],
		[17, 2, 0, 2, null],
		...many.map((id): Value[] => [id, 1 + (id % 3), 9, 1, null]),
	])
	await put('xattr', 'file_id, name, value', [
		[17, Buffer.from('user.empty'), Buffer.alloc(0)],
		[17, Buffer.from('user.x'), Buffer.alloc(65_536, 0xa5)],
	])
	await put('node', 'id, name, path, uuid', [
		[1, 'eins', '/srv/ä b', 'u-1'],
		[2, 'two', '/srv/2', 'u-2'],
	])
	await put('job', 'name, state, position, summary', [['walk:1', 'done', every, '{"files":1}']])
	await put('conflict', 'node_id, path, aside, reason, found', [[1, every, null, 'differs', 12]])
	await put('verify_day', 'node_id, day, files, bytes, bad', [[1, 20_000, 3, long, 1]])
	await put('setting', 'name, value', [
		['next_file_id', '6000'],
		['next_client_id', '40'],
	])
}

/** Without the date, and without the numbers that go on when a dump is loaded. */
function linesOf(path: string): string[] {
	const lines = gunzipSync(readFileSync(path)).toString().split('\n')
	return lines.slice(1, -2).filter((line) => !/^(\["(epoch|next_file_id|next_client_id|stats_anew)",|\[\d+,0,"deleted",|\{"table":"backup_notice")/.test(line))
}

async function everything(driver: Driver): Promise<Record<string, unknown[]>> {
	const tables: Record<string, unknown[]> = {}
	for (const { name, columns } of TABLES.filter((table) => table.name !== 'setting')) {
		const whose = name === 'backup_notice' ? ' WHERE site_id > 0' : ''
		const rows = (await driver.all(`SELECT ${columns.join(', ')} FROM ${name}${whose}`)).map((row) =>
			JSON.stringify(columns.map((column) => plain(row[column]))),
		)
		tables[name] = rows.sort()
	}
	return tables
}

function plain(value: unknown): unknown {
	return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

for (const [from, to] of [
	[sqlite, mariadb],
	[mariadb, sqlite],
] as const) {
	test(`${from.name} moves to ${to.name} and back`, async (t) => {
		const place = folder(t)
		const first = await ready(t, from)
		await fill(first.driver)
		await dumpInto(first.driver, join(place, 'first'))
		assert.equal(statSync(join(place, 'first')).mode & 0o777, 0o600)

		const second = await open(t, await to.address(t))
		await loadDump(second, join(place, 'first'))
		assert.deepEqual(await everything(second), await everything(first.driver))
		await dumpInto(second, join(place, 'second'))
		assert.deepEqual(linesOf(join(place, 'second')), linesOf(join(place, 'first')))

		const third = await open(t, await from.address(t))
		await loadDump(third, join(place, 'second'))
		assert.deepEqual(await everything(third), await everything(first.driver))
	})
}

for (const engine of engines) {
	describe(engine.name, () => {
		test('every table and column is in a dump, or left out knowingly', async (t) => {
			const { driver } = await ready(t, engine)
			const names = (await driver.all<{ name: string }>(driver.capabilities.tables)).map(({ name }) => name)
			assert.deepEqual(names.filter((name) => !LEFT_OUT.includes(name)).sort(), TABLES.map(({ name }) => name).sort())
			for (const { name, columns } of TABLES) {
				const found = driver.capabilities.synchronous
					? await driver.all<{ name: string }>(`SELECT name FROM pragma_table_info('${name}')`)
					: await driver.all<{ name: string }>(
							'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?',
							[name],
						)
				assert.deepEqual(found.map((column) => column.name).sort(), [...columns].sort(), name)
			}
		})

		test('a dump is of one moment, whatever happens while it is written', async (t) => {
			const place = folder(t)
			const { driver } = await ready(t, engine)
			await fill(driver)
			const sink = createWriteStream(join(place, 'dump'))
			let pages = 0
			await writeDump(driver, sink, {
				progress: {
					done: () => {
						if (pages++ === 0) void driver.change('DELETE FROM xattr')
					},
				},
			})
			assert.ok(pages > 1)
			const other = await open(t, await engine.address(t))
			await loadDump(other, join(place, 'dump'))
			assert.equal((await other.all('SELECT file_id FROM xattr')).length, 2)
			assert.equal((await driver.all('SELECT file_id FROM xattr')).length, 0)
		})

		test('two into one file at once: what stands there is one of them, whole', async (t) => {
			const place = folder(t)
			const { driver, address } = await ready(t, engine)
			await fill(driver)
			const other = await open(t, address)
			const file = join(place, 'dump')
			let second: Promise<unknown> | undefined
			const done = () => {
				second ??= dumpInto(other, file)
			}
			await dumpInto(driver, file, { done })
			await verifyDump(file)
			await second
			await verifyDump(file)
			assert.deepEqual(readdirSync(place), ['dump'])
		})

		test('one that is stopped leaves nothing behind', async (t) => {
			const place = folder(t)
			const { driver } = await ready(t, engine)
			await fill(driver)
			// The runner of tests would end with it.
			const others = process.listeners('SIGTERM')
			process.removeAllListeners('SIGTERM')
			t.after(() => {
				for (const listener of others) process.on('SIGTERM', listener)
			})
			const done = () => void process.emit('SIGTERM', 'SIGTERM')
			await assert.rejects(dumpInto(driver, join(place, 'dump'), { expected: done }), { exitCode: 17, message: /the dump was stopped/ })
			assert.deepEqual(readdirSync(place), [])
		})

		test('numbers go on above all that were given out, and the journal too', async (t) => {
			const place = folder(t)
			const { driver } = await ready(t, engine)
			await fill(driver)
			await driver.change("INSERT INTO `change` (seq, at, client_id, op) VALUES (77, 1, 1, 'publish')")
			await dumpInto(driver, join(place, 'dump'))
			const other = await open(t, await engine.address(t))
			await loadDump(other, join(place, 'dump'))
			const value = async (name: string) => Number((await other.get('SELECT value FROM setting WHERE name = ?', [name]))?.value)
			assert.ok((await value('next_file_id')) > 2 ** 40)
			assert.ok((await value('next_client_id')) > 40)
			assert.ok((await value('epoch')) > 0)
			await other.change("INSERT INTO `change` (at, client_id, op) VALUES (1, 1, 'publish')")
			assert.equal((await other.get('SELECT MAX(seq) AS seq FROM `change`'))?.seq, 79)
			const again = await open(t, await engine.address(t))
			await dumpInto(other, join(place, 'again'))
			await loadDump(again, join(place, 'again'))
			assert.ok(Number((await again.get("SELECT value FROM setting WHERE name = 'epoch'"))?.value) > (await value('epoch')))
		})
	})
}

test('a dump that is cut, damaged, newer or none at all loads nothing', async (t) => {
	const place = folder(t)
	const { driver } = await ready(t, sqlite)
	await fill(driver)
	const whole = join(place, 'whole')
	await dumpInto(driver, whole)
	const text = gunzipSync(readFileSync(whole)).toString()
	const other = (await ready(t, sqlite)).driver
	await initialise(other, { owner: { uid: 0, gid: 0 }, classes: [], now: { s: 1, ns: 0 } })
	const before = await everything(other)
	const broken = join(place, 'broken')
	const refused = async (why: RegExp) => {
		await assert.rejects(loadDump(other, broken), why)
		assert.deepEqual(await everything(other), before, String(why))
	}
	writeFileSync(broken, readFileSync(whole))
	truncateSync(broken, Math.floor(statSync(whole).size / 2))
	await refused(/broken: it is cut/)
	writeFileSync(broken, gzipSync(text.slice(0, text.lastIndexOf('{"end"'))))
	await refused(/it is cut/)
	writeFileSync(broken, gzipSync(text.replace('70000', '70001')))
	await refused(/it is damaged/)
	for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
		const bytes = readFileSync(whole)
		bytes[Math.floor(bytes.length * share)] ^= 0x10
		writeFileSync(broken, bytes)
		await refused(/it is (damaged|cut)/)
	}
	writeFileSync(broken, gzipSync(text.replace('"version":1,', '"version":2,')))
	await refused(/a dump of format 2/)
	const later = text.replace(/"schema":\d+/, '"schema":9000').split('\n')
	const above = `${later.slice(0, -2).join('\n')}\n`
	const end = later[later.length - 2].replace(/"sha256":"\w+"/, `"sha256":"${createHash('sha256').update(above).digest('hex')}"`)
	writeFileSync(broken, gzipSync(`${above}${end}\n`))
	await refused(/schema 9000, newer/)
	writeFileSync(broken, 'what is this')
	await refused(/not a dump/)
	rmSync(broken)
	await refused(/no such file/)
})

for (const engine of engines) {
	test(`${engine.name}: a catalogue that a load makes is refused from its first table to the last row`, async (t) => {
		const place = folder(t)
		const { driver } = await ready(t, sqlite)
		await fill(driver)
		await dumpInto(driver, join(place, 'dump'))
		const address = await engine.address(t)
		const filling = await open(t, address)
		const other = await open(t, address)
		let steps = 0
		const watched = { ...filling }
		for (const name of ['script', 'change', 'transaction'] as const) {
			const step = filling[name] as (...args: unknown[]) => Promise<unknown>
			const killedNow = async (...args: unknown[]) => {
				await assert.rejects(checkSchema(other), { exitCode: EXIT.schema })
				steps++
				return await step(...args)
			}
			Object.assign(watched, { [name]: killedNow })
		}
		const deps = { warn: assert.fail } as unknown as Deps
		await makeRoom(watched, { replace: false, directory: place, deps })
		await loadDump(watched, join(place, 'dump'))
		assert.ok(steps > TABLES.length)
		await checkSchema(other)
	})
}

test('a catalogue that was half filled is refused until it is filled', async (t) => {
	const place = folder(t)
	const { driver, address } = await ready(t, sqlite)
	await fill(driver)
	await dumpInto(driver, join(place, 'dump'))
	await driver.change('INSERT INTO migration (version, name, at) VALUES (?,?,0)', [FILLING, 'filling'])
	const late = await open(t, address)
	await assert.rejects(initialise(late, { owner: { uid: 0, gid: 0 }, classes: [], now: { s: 1, ns: 0 } }), /run it again/)
	await loadDump(late, join(place, 'dump'))
	assert.equal((await initialise(late, { owner: { uid: 0, gid: 0 }, classes: [], now: { s: 1, ns: 0 } })).made, false)
})

test('a disk that has no room for it is named, and nothing is left of it', async (t) => {
	const directory = folder(t)
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', directory])
	try {
		writeFileSync(join(directory, 'full'), Buffer.alloc(4_096))
		const { driver } = await ready(t, sqlite)
		await assert.rejects(dumpInto(driver, join(directory, 'dump')), { message: `${directory}/dump cannot be written (ENOSPC), and nothing is left of it`, exitCode: EXIT.left })
		assert.deepEqual(readdirSync(directory), ['full'])
	} finally {
		execFileSync('umount', [directory])
	}
})
