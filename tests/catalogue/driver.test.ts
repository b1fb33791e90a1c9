/** Every promise of core/catalogue/driver.ts, on both engines. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { CatalogueError, fail, Overtaken } from '../../core/errors.ts'
import { wait } from '../../core/op.ts'
import { engines, holding, open, ready } from './engines.ts'

const PUT = 'INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)'
const COUNT = 'SELECT COUNT(*) AS n FROM entry'
const COUNTERS = `CREATE TABLE counter (name VARCHAR(16) NOT NULL PRIMARY KEY, n BIGINT NOT NULL);
	INSERT INTO counter (name, n) VALUES ('a', 0), ('b', 0)`
const name = (text: string) => Buffer.from(text)
const plain = (rows: unknown) => structuredClone(rows)

for (const engine of [...engines, holding]) {
	describe(engine.name, () => {
		test('gives what was put in: bytes, large numbers, NULL, text', async (t) => {
			const { driver } = await ready(t, engine)
			const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
			const large = Number.MAX_SAFE_INTEGER
			await driver.change(
				`INSERT INTO file (id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, target)
				VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
				[large, 8, 0o644, 0, 2 ** 32 - 2, 1, large, -(2 ** 40), 999_999_999, 0, 0, 0, 0, everyByte],
			)
			const row = await driver.get('SELECT id, gid, size, atime, atime_ns, hash, target FROM file WHERE id = ?', [large])
			assert.deepEqual(
				{ ...row, target: Buffer.from(row.target) },
				{ id: large, gid: 2 ** 32 - 2, size: large, atime: -(2 ** 40), atime_ns: 999_999_999, hash: null, target: everyByte },
			)
			const text = 'quotes \' " ` \\ %_ \n\r\t\0\x1a é é 🐎 ? -- #'
			await driver.change('INSERT INTO setting (name, value) VALUES (?,?)', ['odd', text])
			assert.equal((await driver.get('SELECT value FROM setting WHERE name = ?', ['odd']))?.value, text)
			assert.equal((await driver.get('SELECT name FROM setting WHERE value = ?', [text]))?.name, 'odd')
			assert.equal(typeof (await driver.get('SELECT SUM(size) AS total FROM file'))?.total, 'number')
		})

		test('a number it could not give back is refused, and what it belonged to is not made', async (t) => {
			const { driver } = await ready(t, engine)
			const tooLarge = async () => driver.transaction(function* (tx) {
				tx.write('INSERT INTO setting (name, value) VALUES (?,?)', ['beside', 'x'])
				tx.write(PUT, [1, name('large'), 2 ** 56])
			})
			await assert.rejects(tooLarge, { code: 'EOVERFLOW' })
			assert.equal((await driver.get(COUNT))?.n, 0)
			assert.equal(await driver.get('SELECT value FROM setting WHERE name = ?', ['beside']), undefined)
			await driver.change(PUT, [1, name('exact'), Number.MAX_SAFE_INTEGER])
			assert.equal((await driver.get(COUNT))?.n, 1)
		})

		test('an empty value is empty, not NULL', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [1, name('user.empty'), Buffer.alloc(0)])
			const row = await driver.get('SELECT value FROM xattr')
			assert.equal(row.value.length, 0)
		})

		test('part of a larger buffer is that part only', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change(PUT, [1, Buffer.from('xxpartxx').subarray(2, 6), 2])
			assert.equal(Buffer.from((await driver.get('SELECT name FROM entry')).name).toString(), 'part')
		})

		test('no row is undefined from get and [] from all', async (t) => {
			const { driver } = await ready(t, engine)
			assert.equal(await driver.get('SELECT name FROM entry'), undefined)
			assert.deepEqual(await driver.all('SELECT name FROM entry'), [])
		})

		test('read answers several queries in their order', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change(PUT, [1, name('a'), 2])
			const [none, one, count] = await driver.read(
				['SELECT file_id FROM entry WHERE file_id = ?', [9]],
				['SELECT file_id FROM entry WHERE name = ?', [name('a')]],
				[COUNT, []],
			)
			assert.deepEqual(plain([none, one, count]), [[], [{ file_id: 2 }], [{ n: 1 }]])
		})

		test('change tells how many rows it touched, changed or not', async (t) => {
			const { driver } = await ready(t, engine)
			for (const text of ['a', 'b', 'c']) await driver.change(PUT, [1, name(text), 2])
			assert.equal(await driver.change('UPDATE entry SET file_id = ? WHERE parent_id = ?', [2, 1]), 3)
			assert.equal(await driver.change('UPDATE entry SET file_id = ? WHERE parent_id = ?', [2, 99]), 0)
			assert.equal(await driver.change('DELETE FROM entry WHERE name IN (?,?)', [name('a'), name('b')]), 2)
		})

		test('each transaction is one of its own, for whoever notes something of it', async (t) => {
			const { driver } = await ready(t, engine)
			const seen = new Set<Transaction>()
			for (let turn = 0; turn < 3; turn++) {
				await driver.transaction(function* (tx) {
					seen.add(tx)
				})
			}
			assert.equal(seen.size, 3)
		})

		test('a transaction reads what it wrote and gives what its body returns', async (t) => {
			const { driver } = await ready(t, engine)
			const result = await driver.transaction(function* (tx) {
				tx.write(PUT, [1, name('a'), 2])
				tx.write(PUT, [1, name('b'), 3])
				const [[count], rows] = yield* wait(tx.read([COUNT, []], ['SELECT file_id FROM entry ORDER BY name', []]))
				const first = yield* wait(tx.get('SELECT file_id FROM entry WHERE name = ?', [name('a')]))
				const all = yield* wait(tx.all('SELECT file_id FROM entry ORDER BY name'))
				return [count.n, rows.length, first.file_id, all[1].file_id]
			})
			assert.deepEqual(result, [2, 2, 2, 3])
			assert.equal((await driver.get(COUNT)).n, 2)
		})

		test('a transaction that throws leaves nothing, and the next one works', async (t) => {
			const { driver } = await ready(t, engine)
			const attempt = async () =>
				driver.transaction(function* (tx) {
					tx.write(PUT, [1, name('a'), 2])
					yield* wait(tx.get(COUNT))
					tx.write(PUT, [1, name('b'), 2])
					fail('ENOTEMPTY')
				})
			await assert.rejects(attempt, { code: 'ENOTEMPTY' })
			assert.equal((await driver.get(COUNT)).n, 0)
			await driver.transaction(function* (tx) {
				tx.write(PUT, [1, name('a'), 2])
			})
			assert.equal((await driver.get(COUNT)).n, 1)
		})

		test('a key that exists is EEXIST, from a change, a write and a write before a read', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change(PUT, [1, name('a'), 2])
			const twice = (tx: Transaction) => {
				tx.write(PUT, [1, name('b'), 2])
				tx.write(PUT, [1, name('a'), 3])
			}
			await assert.rejects(async () => driver.change(PUT, [1, name('a'), 3]), { code: 'EEXIST' })
			await assert.rejects(
				async () =>
					driver.transaction(function* (tx) {
						twice(tx)
					}),
				{ code: 'EEXIST' },
			)
			await assert.rejects(
				async () =>
					driver.transaction(function* (tx) {
						twice(tx)
						yield* wait(tx.get(COUNT))
					}),
				{ code: 'EEXIST' },
			)
			assert.equal((await driver.get(COUNT)).n, 1)
		})

		test('a transaction with a failed statement does not commit, even if its body went on', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change(PUT, [1, name('a'), 2])
			const stubborn = async () =>
				driver.transaction(function* (tx) {
					try {
						tx.write(PUT, [1, name('a'), 3])
						yield* wait(tx.get(COUNT))
					} catch (error) {
						assert.equal((error as { code: string }).code, 'EEXIST')
					}
					tx.write(PUT, [1, name('b'), 3])
				})
			await assert.rejects(stubborn, { code: 'EEXIST' })
			assert.equal((await driver.get(COUNT)).n, 1)
		})

		test('a read that goes along has its rows before the next one is answered, and sees what was written before it', async (t) => {
			const { driver } = await ready(t, engine)
			const seen: unknown[] = []
			await driver.transaction(function* (tx) {
				tx.along<{ n: number }>([COUNT, []], ([row]) => seen.push(row.n))
				tx.write(PUT, [1, name('a'), 2])
				tx.along<{ n: number }>([COUNT, []], ([row]) => seen.push(row.n))
				tx.along(['SELECT file_id FROM entry WHERE parent_id = ?', [2]], (rows) => seen.push(rows))
				seen.push((yield* wait(tx.get(COUNT))).n)
				tx.along<{ n: number }>([COUNT, []], ([row]) => seen.push(`with the commit ${row.n}`))
				tx.write(PUT, [1, name('b'), 2])
				tx.along<{ n: number }>([COUNT, []], ([row]) => seen.push(`behind the last change ${row.n}`))
			})
			assert.deepEqual(seen, [0, 1, [], 1, 'with the commit 1', 'behind the last change 2'])
			assert.equal((await driver.get(COUNT)).n, 2)
		})

		test('a transaction whose last change touches nothing was overtaken: it leaves nothing, and the next one works', async (t) => {
			const { driver } = await ready(t, engine)
			const put = async (n: number, expected: number) =>
				await driver.transaction(function* (tx) {
					tx.write(PUT, [n, name('a'), 2])
					tx.decide('UPDATE entry SET file_id = ? WHERE parent_id = ? AND file_id = ?', [7, 1, expected])
					return n
				})
			const overtaken = (n: number) => assert.rejects(put(n, 99), (error) => error instanceof Overtaken && !(error instanceof CatalogueError))
			const parents = async () => (await driver.all('SELECT parent_id FROM entry ORDER BY parent_id')).map(({ parent_id }) => parent_id)
			await overtaken(2)
			await driver.change(PUT, [1, name('a'), 2])
			await overtaken(3)
			assert.deepEqual(await parents(), [1])
			assert.equal(await put(4, 2), 4)
			// What stays as it was is touched all the same.
			assert.equal(await put(5, 7), 5)
			await overtaken(6)
			await assert.rejects(put(5, 7), { code: 'EEXIST' })
			assert.deepEqual(await parents(), [1, 4, 5])
		})

		test('replace, insertIgnore, now and tables mean the same', async (t) => {
			const { driver } = await ready(t, engine)
			const { insertIgnore, now, replace, tables } = driver.capabilities
			const put = `INSERT INTO xattr (file_id, name, value) VALUES (?,?,?) ${replace('file_id, name', ['value'])}`
			await driver.change(put, [1, name('k'), name('old')])
			await driver.change(put, [1, name('k'), name('new')])
			await driver.change(`${insertIgnore} INTO xattr (file_id, name, value) VALUES (?,?,?)`, [1, name('k'), name('ignored')])
			await driver.change(`INSERT INTO xattr (file_id, name, value) VALUES (?,?,?) ${replace('file_id, name', [])}`, [1, name('k'), name('kept')])
			const rows = await driver.all('SELECT value FROM xattr')
			assert.deepEqual(rows.map((row) => Buffer.from(row.value).toString()), ['new'])
			const { seconds } = await driver.get(`SELECT ${now} AS seconds`)
			assert.ok(Math.abs(seconds - Date.now() / 1000) < 60)
			const names = (await driver.all(tables)).map((row) => row.name)
			assert.ok(names.includes('change') && names.includes('migration'))
		})

		test('a name is its bytes: every pair stays apart and one of them can go', async (t) => {
			const { driver } = await ready(t, engine)
			const names = [
				...['a', 'A', 'a ', 'a\t', 'a\n', '🐎', '🐄', 'é', 'e\u0301', 'ss', 'ß', 'x\'y"z', '100%_', '100%%', '-rf', '\\', '?', 'a;b', '`'],
			].map(name)
			names.push(Buffer.from([0xff, 0x61]), Buffer.from([0xfe, 0x61]), Buffer.from([0x80]), Buffer.alloc(255, 0xff), Buffer.alloc(255, 'n'))
			await driver.transaction(function* (tx) {
				for (const [index, bytes] of names.entries()) tx.write(PUT, [1, bytes, index + 2])
			})
			for (const [index, bytes] of names.entries()) {
				const row = await driver.get('SELECT file_id FROM entry WHERE parent_id = ? AND name = ?', [1, bytes])
				assert.equal(row?.file_id, index + 2, bytes.toString('hex'))
			}
			const stored = (await driver.all('SELECT name FROM entry ORDER BY file_id')).map((row) => Buffer.from(row.name))
			assert.deepEqual(stored, names)
			const sorted = (await driver.all('SELECT name FROM entry ORDER BY name')).map((row) => Buffer.from(row.name))
			assert.deepEqual(sorted, names.toSorted(Buffer.compare))
			for (const bytes of names) {
				assert.equal(await driver.change('DELETE FROM entry WHERE parent_id = ? AND name = ?', [1, bytes]), 1)
			}
		})

		test('a statement that is wrong is no EEXIST and no hang', async (t) => {
			const { driver } = await ready(t, engine)
			await assert.rejects(async () => driver.get('SELECT nothing FROM nowhere'))
			await assert.rejects(async () => driver.change(PUT, [1]))
			await assert.rejects(async () => driver.change('INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)', [1, name('a'), null]))
			assert.equal((await driver.get(COUNT)).n, 0)
		})

		test('two connections that read, then write the same row lose nothing', async (t) => {
			const { driver, address } = await ready(t, engine)
			const other = await open(t, address)
			await driver.script(COUNTERS)
			const { forUpdate } = driver.capabilities
			const increment = async (through: typeof driver) => {
				await through.transaction(function* (tx) {
					const row = yield* wait(tx.get(`SELECT n FROM counter WHERE name = ?${forUpdate}`, ['a']))
					tx.write('UPDATE counter SET n = ? WHERE name = ?', [row.n + 1, 'a'])
				})
			}
			await Promise.all(Array.from({ length: 60 }, (_, index) => increment(index % 2 ? driver : other)))
			assert.equal((await driver.get("SELECT n FROM counter WHERE name = 'a'")).n, 60)
		})

		test('locks taken crosswise: both transactions happen, whole', async (t) => {
			const { driver, address } = await ready(t, engine)
			const other = await open(t, address)
			await driver.script(COUNTERS)
			const both = async (through: typeof driver, names: string[]) => {
				await through.transaction(function* (tx) {
					for (const counter of names) {
						tx.write('UPDATE counter SET n = n + 1 WHERE name = ?', [counter])
						yield* wait(tx.get('SELECT n FROM counter WHERE name = ?', [counter]))
					}
				})
			}
			const pairs = Array.from({ length: 20 }, () => [both(driver, ['a', 'b']), both(other, ['b', 'a'])])
			await Promise.all(pairs.flat())
			assert.deepEqual(plain(await driver.all('SELECT n FROM counter')), [{ n: 40 }, { n: 40 }])
		})

		test('every commit of another connection is a change elsewhere, until it is marked as seen', async (t) => {
			const { driver, address } = await ready(t, engine)
			const other = await open(t, address)
			driver.markSeen()
			await other.change(PUT, [1, name('a'), 2])
			assert.equal(driver.isChangedElsewhere(), true)
			driver.markSeen()
			await driver.change(PUT, [1, name('b'), 2])
			if (driver.capabilities.synchronous) assert.equal(driver.isChangedElsewhere(), false)
		})

		test('commits is another number after every commit of anybody, where it can tell', async (t) => {
			const { driver, address } = await ready(t, engine)
			const other = await open(t, address)
			const numbers = [driver.commits()]
			if (!driver.capabilities.synchronous) return assert.deepEqual(numbers, [undefined])
			await other.change(PUT, [1, name('a'), 2])
			numbers.push(driver.commits())
			await driver.change(PUT, [1, name('b'), 2])
			numbers.push(driver.commits())
			await driver.transaction(function* (tx) {
				tx.write(PUT, [1, name('c'), 2])
			})
			numbers.push(driver.commits())
			assert.equal(new Set(numbers).size, numbers.length)
			await other.all('SELECT name FROM entry')
			assert.equal(driver.commits(), numbers.at(-1))
		})

		test('sync ends, also many at once', async (t) => {
			const { driver } = await ready(t, engine)
			await driver.change(PUT, [1, name('a'), 2])
			await Promise.all(Array.from({ length: 10 }, () => driver.sync()))
			await driver.sync()
		})

		test('exclusively keeps others out until it ends', async (t) => {
			const { driver, address } = await ready(t, engine)
			const other = await open(t, address)
			const order: string[] = []
			const first = driver.exclusively(async () => {
				order.push('first begins')
				second = other.exclusively(async () => {
					order.push('second')
				})
				await driver.script("INSERT INTO setting (name, value) VALUES ('first', '1')")
				await new Promise(setImmediate)
				order.push('first ends')
			})
			let second: Promise<void> | undefined
			await first
			await second
			assert.deepEqual(order, ['first begins', 'first ends', 'second'])
			await assert.rejects(
				driver.exclusively(async () => fail('EIO')),
				{ code: 'EIO' },
			)
			await other.exclusively(async () => {})
		})
	})
}
