/** What only a database across a socket has: round trips, lost connections, restarts, lost answers. */
import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Driver, Transaction } from '../../core/catalogue/driver.ts'
import { migrate } from '../../core/catalogue/migrate.ts'
import type { CatalogueConfig } from '../../core/catalogue/open.ts'
import { wait } from '../../core/op.ts'
import { type Mariadb, privateMariadb } from '../support/mariadb.ts'
import { standStill } from '../support/stand-still.ts'
import { until } from '../support/until.ts'
import { open } from './engines.ts'
import { type Loss, type MysqlProxy, startProxy } from './proxy.ts'

const COUNTER = `CREATE TABLE counter (name VARCHAR(16) NOT NULL PRIMARY KEY, n BIGINT NOT NULL);
	INSERT INTO counter (name, n) VALUES ('a', 0)`
const INCREMENT = 'UPDATE counter SET n = n + 1 WHERE name = ?'
const VALUE = 'SELECT n FROM counter WHERE name = ?'
const PUT = 'INSERT INTO entry (parent_id, name, file_id) VALUES (?,?,?)'

function* increment(tx: Transaction) {
	const row = yield* wait(tx.get(`${VALUE} FOR UPDATE`, ['a']))
	tx.write('UPDATE counter SET n = ? WHERE name = ?', [row.n + 1, 'a'])
}

function* decideIncrement(tx: Transaction) {
	tx.decide(INCREMENT, ['a'])
}

/** The late COMMIT holds a lock until it arrives, which is when the transaction is being tried again. */
async function incrementDespite(loss: Loss, driver: Driver, proxy: MysqlProxy): Promise<void> {
	let tries = 0
	let delivery: Promise<void> | undefined
	proxy.lose(loss)
	await driver.transaction(function* (tx) {
		if (++tries === 2 && loss === 'late') delivery = proxy.deliver()
		yield* increment(tx)
	})
	assert.equal(tries, loss === 'answer' ? 1 : 2)
	await delivery
}

describe('MySQL', () => {
	let server: Mariadb
	let databases = 0
	before(async () => {
		server = await privateMariadb()
		// root may write while the server is read-only, and connect when it is full.
		await server.query('CREATE USER plain@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO plain@localhost')
	})
	after(() => server.stop())

	async function through(t: TestContext, settings: Partial<CatalogueConfig> = {}): Promise<{ driver: Driver; proxy: MysqlProxy; database: string }> {
		const database = `d${++databases}`
		await server.freshDatabase(database)
		const proxy = await startProxy(server.port)
		const driver = await open(t, server.tcpUrl(database, proxy.port), { catalogueConnections: 1, ...settings })
		t.after(() => proxy.close())
		await migrate(driver)
		await driver.script(COUNTER)
		await driver.change(INCREMENT, ['a']) // the connection's first change also makes its token
		await driver.get(VALUE, ['a'])
		return { driver, proxy, database }
	}

	const asPlain = (database: string) => server.url(database).replace('root@', 'plain@')

	async function packetsOf(proxy: MysqlProxy, work: () => unknown): Promise<string[]> {
		const start = proxy.queries.length
		await work()
		return proxy.queries.slice(start)
	}

	test('a transaction that reads once and changes ten rows is two round trips', async (t) => {
		const { driver, proxy } = await through(t)
		const packets = await packetsOf(proxy, () =>
			driver.transaction(function* (tx) {
				yield* wait(tx.read([`${VALUE} FOR UPDATE`, ['a']], [VALUE, ['b']]))
				for (let index = 0; index < 10; index++) tx.write(PUT, [1, Buffer.from(`n${index}`), 2])
			}),
		)
		assert.equal(packets.length, 2)
		assert.match(packets[0], /^START TRANSACTION;SELECT.* FOR UPDATE;SELECT[^;]*$/)
		assert.match(packets[1], /^(INSERT INTO entry [^;]*;){10}UPDATE commit_token [^;]*;COMMIT$/)
	})

	test('a read that goes along is no round trip', async (t) => {
		const { driver, proxy } = await through(t)
		const seen: number[] = []
		const along = (tx: Transaction) => tx.along<{ n: number }>([VALUE, ['a']], ([row]) => seen.push(row.n))
		const packets = await packetsOf(proxy, () =>
			driver.transaction(function* (tx) {
				along(tx)
				yield* wait(tx.get(`${VALUE} FOR UPDATE`, ['a']))
				tx.write(INCREMENT, ['a'])
				along(tx)
				tx.write(INCREMENT, ['a'])
			}),
		)
		assert.deepEqual([packets.length, seen], [2, [1, 2]])
		const alone = await packetsOf(proxy, () =>
			driver.transaction(function* (tx) {
				along(tx)
			}),
		)
		assert.deepEqual(alone, [])
	})

	test('a transaction that only changes, a single change, a read: one round trip each', async (t) => {
		const { driver, proxy } = await through(t)
		const changes = () =>
			driver.transaction(function* (tx) {
				tx.write(INCREMENT, ['a'])
				tx.write(INCREMENT, ['a'])
			})
		assert.equal((await packetsOf(proxy, changes)).length, 1)
		assert.equal((await packetsOf(proxy, () => driver.change(INCREMENT, ['a']))).length, 1)
		assert.equal((await packetsOf(proxy, () => driver.get(VALUE, ['a']))).length, 1)
		assert.equal((await packetsOf(proxy, () => driver.read([VALUE, ['a']], [VALUE, ['a']]))).length, 1)
	})

	test('a transaction that only reads is ended, without the caller waiting for it', async (t) => {
		const { driver, proxy, database } = await through(t)
		const reads = () =>
			driver.transaction(function* (tx) {
				yield* wait(tx.get(`${VALUE} FOR UPDATE`, ['a']))
			})
		await reads()
		await driver.get(VALUE, ['a'])
		assert.equal(proxy.queries.at(-2), 'COMMIT')
		const other = await open(t, server.url(database), { catalogueTimeoutMs: 2_000 })
		assert.equal(await other.change(INCREMENT, ['a']), 1)
	})

	test('a transaction with nothing in it sends nothing', async (t) => {
		const { driver, proxy } = await through(t)
		const nothing = () =>
			driver.transaction(function* () {
				return 1
			})
		assert.deepEqual(await packetsOf(proxy, nothing), [])
	})

	for (const loss of ['answer', 'request', 'late'] as Loss[]) {
		test(`a COMMIT whose ${loss} is lost happens exactly once`, async (t) => {
			const { driver, proxy } = await through(t)
			for (let round = 0; round < 5; round++) {
				const start = (await driver.get(VALUE, ['a'])).n
				await incrementDespite(loss, driver, proxy)
				assert.equal((await driver.get(VALUE, ['a'])).n, start + 1)

				proxy.lose(loss)
				assert.equal(await driver.change(INCREMENT, ['a']), 1)
				if (loss === 'late') await proxy.deliver()
				assert.equal((await driver.get(VALUE, ['a'])).n, start + 2)

				proxy.lose(loss)
				await driver.transaction(decideIncrement)
				if (loss === 'late') await proxy.deliver()
				assert.equal((await driver.get(VALUE, ['a'])).n, start + 3)

				proxy.lose(loss)
				assert.equal(await driver.change(PUT, [round, Buffer.from(loss), 2]), 1)
				if (loss === 'late') await proxy.deliver()
			}
			assert.equal((await driver.get('SELECT COUNT(*) AS n FROM entry')).n, 5)
		})
	}

	test('the first COMMIT of a connection, lost', async (t) => {
		for (const loss of ['answer', 'request', 'late'] as Loss[]) {
			const { proxy, database } = await through(t)
			const driver = await open(t, server.tcpUrl(database, proxy.port), { catalogueConnections: 1 })
			await incrementDespite(loss, driver, proxy)
			assert.equal((await driver.get(VALUE, ['a'])).n, 2, loss)
		}
	})

	test('the server restarts and is killed in the middle: every change that was answered is there, once', async (t) => {
		const { driver } = await through(t, { catalogueConnections: 4 })
		let done = 0
		let over = false
		const worker = async () => {
			while (!over) {
				await driver.transaction(increment)
				done++
			}
		}
		const workers = Promise.all([worker(), worker(), worker()])
		const progress = async () => {
			const start = done
			while (done < start + 20) await new Promise((resolve) => setImmediate(resolve))
		}
		await progress()
		await server.restart()
		await progress()
		await server.kill()
		await server.restart()
		await progress()
		over = true
		await workers
		assert.equal((await driver.get(VALUE, ['a'])).n, done + 1)
	})

	test('connections killed under a transaction: tried again', async (t) => {
		const { driver } = await through(t)
		let tries = 0
		await driver.transaction(function* (tx) {
			const row = yield* wait(tx.get(`SELECT n, CONNECTION_ID() AS id FROM counter WHERE name = ? FOR UPDATE`, ['a']))
			if (++tries === 1) yield server.query(`KILL ${row.id}`)
			tx.write('UPDATE counter SET n = ? WHERE name = ?', [row.n + 1, 'a'])
		})
		assert.equal(tries, 2)
		assert.equal((await driver.get(VALUE, ['a'])).n, 2)
	})

	test('a server that hangs or is gone is EIO in time, and work resumes by itself', async (t) => {
		const { driver } = await through(t, { catalogueTimeoutMs: 1_000 })
		const pid = server.pid() ?? 0
		await standStill(pid)
		try {
			await assert.rejects(async () => driver.get(VALUE, ['a']), { code: 'EIO' })
			await assert.rejects(async () => driver.transaction(increment), { code: 'EIO' })
		} finally {
			process.kill(server.pid() ?? 0, 'SIGCONT')
		}
		assert.equal((await driver.get(VALUE, ['a'])).n, 1)
		await server.kill()
		try {
			await assert.rejects(async () => driver.get(VALUE, ['a']), { code: 'EIO' })
			await assert.rejects(async () => driver.change(INCREMENT, ['a']), { code: 'EIO' })
		} finally {
			await server.restart()
		}
		await driver.transaction(increment)
		assert.equal((await driver.get(VALUE, ['a'])).n, 2)
	})

	test('a row locked for too long is EIO, and free again it works', async (t) => {
		const { driver, database } = await through(t, { catalogueTimeoutMs: 1_500, catalogueConnections: 2 })
		const other = await open(t, server.url(database))
		await other.transaction(function* (tx) {
			yield* wait(tx.get(`${VALUE} FOR UPDATE`, ['a']))
			yield assert.rejects(async () => driver.change(INCREMENT, ['a']), { code: 'EIO' })
		})
		assert.equal(await driver.change(INCREMENT, ['a']), 1)
	})

	test('whoever stands still in a transaction keeps others waiting for half as long as they wait, and begins anew', async (t) => {
		const { driver, database } = await through(t)
		const other = await open(t, server.url(database), { catalogueTimeoutMs: 2_000 })
		let tries = 0
		await other.transaction(function* (tx) {
			yield* increment(tx)
			if (++tries > 1) return
			yield* wait(tx.get(VALUE, ['a']))
			yield* wait(driver.transaction(increment))
		})
		assert.equal(tries, 2)
		assert.equal((await driver.get(VALUE, ['a'])).n, 3)
	})

	test('whoever reads a snapshot may take his time', async (t) => {
		const { database } = await through(t)
		const other = await open(t, server.url(database), { catalogueTimeoutMs: 2_000 })
		const timeout = 'SELECT @@idle_transaction_timeout AS seconds'
		assert.deepEqual(await other.all(timeout), [{ seconds: 1 }])
		assert.deepEqual(await other.snapshot(async ({ all }) => all(timeout)), [{ seconds: 0 }])
	})

	test('a driver that is closed after its first change takes leave of the server', async (t) => {
		const { database } = await through(t)
		const figure = async (name: string) => Number(((await server.query(`SHOW GLOBAL STATUS LIKE '${name}'`)) as [{ Value: string }])[0].Value)
		const [connected, aborted] = [await figure('Threads_connected'), await figure('Aborted_clients')]
		const driver = await open(t, server.url(database))
		await driver.change(INCREMENT, ['a'])
		await driver.close()
		await until('its connections are gone', async () => (await figure('Threads_connected')) <= connected || undefined)
		assert.equal(await figure('Aborted_clients'), aborted)
	})

	test('too many connections are waited for', async (t) => {
		const { driver, database } = await through(t)
		await server.query('SET GLOBAL max_connections = 10')
		try {
			const crowd = await Promise.all(Array.from({ length: 6 }, () => open(t, asPlain(database), { catalogueConnections: 4 })))
			await Promise.all(crowd.flatMap((each) => Array.from({ length: 8 }, () => each.change(INCREMENT, ['a']))))
		} finally {
			await server.query('SET GLOBAL max_connections = 64')
		}
		assert.equal((await driver.get(VALUE, ['a'])).n, 49)
	})

	test('more connections than were granted to the account are waited for', async (t) => {
		const { driver, database } = await through(t)
		await server.query('GRANT USAGE ON *.* TO plain@localhost WITH MAX_USER_CONNECTIONS 3')
		t.after(() => server.query('GRANT USAGE ON *.* TO plain@localhost WITH MAX_USER_CONNECTIONS 0'))
		const crowd = await open(t, asPlain(database), { catalogueConnections: 8 })
		await Promise.all(Array.from({ length: 24 }, () => crowd.change(INCREMENT, ['a'])))
		assert.equal((await driver.get(VALUE, ['a'])).n, 25)
	})

	test('who takes the failure of a statement for an answer commits nothing: what stood behind it was not carried out', async (t) => {
		const { driver } = await through(t)
		await driver.change(PUT, [1, Buffer.from('there'), 2])
		const body = function* (tx: Transaction) {
			tx.write(PUT, [1, Buffer.from('there'), 3])
			tx.write(INCREMENT, ['a'])
			try {
				yield* wait(tx.get(VALUE, ['a']))
			} catch {
				tx.write(PUT, [1, Buffer.from('other'), 3])
			}
		}
		await assert.rejects(async () => driver.transaction(body), { code: 'EEXIST' })
		assert.deepEqual([(await driver.get('SELECT COUNT(*) AS n FROM entry')).n, (await driver.get(VALUE, ['a'])).n], [1, 1])
	})

	test('a server that is read-only for a while (fail-over) is waited for', async (t) => {
		const { database } = await through(t)
		const driver = await open(t, asPlain(database))
		await server.query('SET GLOBAL read_only = 1')
		const change = driver.change(INCREMENT, ['a'])
		await driver.get(VALUE, ['a'])
		await server.query('SET GLOBAL read_only = 0')
		assert.equal(await change, 1)
	})
})
