import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Driver } from '../../core/catalogue/driver.ts'
import { makeTree } from '../../core/catalogue/initialise.ts'
import { checkSchema, migrate } from '../../core/catalogue/migrate.ts'
import { engines, open } from './engines.ts'

const SQL = fileURLToPath(new URL('../../sql/', import.meta.url))
const VERSIONS = readdirSync(join(SQL, 'sqlite')).map((name) => Number(name.slice(0, 4)))
const LATEST = VERSIONS[VERSIONS.length - 1]

/** A folder of migrations of the test's own. */
function folders(t: TestContext): { path: string; add(name: string, sql: string): void } {
	const path = mkdtempSync(join(tmpdir(), 'cairn-sql-'))
	t.after(() => rmSync(path, { recursive: true }))
	for (const dialect of ['sqlite', 'mysql']) mkdirSync(join(path, dialect))
	return {
		path,
		add(name, sql) {
			for (const dialect of ['sqlite', 'mysql']) writeFileSync(join(path, dialect, name), sql)
		},
	}
}

const recorded = async (driver: Driver) => (await driver.all('SELECT version FROM migration ORDER BY version')).map((row) => row.version)

test('both folders of sql/ have the same files', () => {
	assert.deepEqual(readdirSync(join(SQL, 'sqlite')), readdirSync(join(SQL, 'mysql')))
})

test('nothing in sql/mysql is only known to MariaDB', () => {
	for (const name of readdirSync(join(SQL, 'mysql'))) {
		assert.doesNotMatch(readFileSync(join(SQL, 'mysql', name), 'utf8'), /\b(INDEX|COLUMN|KEY) IF (NOT )?EXISTS\b/, name)
	}
})

for (const engine of engines) {
	describe(engine.name, () => {
		test('carries out each file once, in order', async (t) => {
			const driver = await open(t, await engine.address(t))
			const { path, add } = folders(t)
			add('0001-first.sql', 'CREATE TABLE IF NOT EXISTS done (n BIGINT); INSERT INTO done VALUES (1);')
			add('0010-tenth.sql', 'INSERT INTO done VALUES (10); -- a comment at the end')
			add('README.md', 'no migration')
			assert.deepEqual(await migrate(driver, path), { from: 0, to: 10 })
			assert.deepEqual(await migrate(driver, path), { from: 10, to: 10 })
			add('0011-next.sql', 'INSERT INTO done VALUES (11)')
			await assert.rejects(checkSchema(driver, path), { exitCode: 6, message: /cairn migrate/ })
			assert.deepEqual(await migrate(driver, path), { from: 10, to: 11 })
			await checkSchema(driver, path)
			assert.deepEqual((await driver.all('SELECT n FROM done')).map((row) => row.n), [1, 10, 11])
			assert.deepEqual(await recorded(driver), [1, 10, 11])
		})

		test('an empty catalogue and a newer schema are refused, and nothing changed', async (t) => {
			const driver = await open(t, await engine.address(t))
			await assert.rejects(checkSchema(driver), { exitCode: 6, message: /empty/ })
			await migrate(driver)
			await driver.script("INSERT INTO migration (version, name, at) VALUES (9999, '9999-future.sql', 0)")
			await assert.rejects(checkSchema(driver), { exitCode: 6, message: /newer/ })
			await assert.rejects(migrate(driver), { exitCode: 6, message: /newer/ })
		})

		test('a migration that failed half-way is not recorded and can be repeated', async (t) => {
			const driver = await open(t, await engine.address(t))
			const { path, add } = folders(t)
			add('0001-first.sql', 'CREATE TABLE IF NOT EXISTS one (n BIGINT); CREATE TABLE IF NOT EXISTS two (n BIGINT, wrong')
			await assert.rejects(migrate(driver, path))
			await assert.rejects(checkSchema(driver, path), { exitCode: 6 })
			add('0001-first.sql', 'CREATE TABLE IF NOT EXISTS one (n BIGINT); CREATE TABLE IF NOT EXISTS two (n BIGINT)')
			assert.deepEqual(await migrate(driver, path), { from: 0, to: 1 })
			await driver.get('SELECT n FROM two')
		})

		test('the real files stand being carried out again', async (t) => {
			const driver = await open(t, await engine.address(t))
			await migrate(driver)
			await driver.script('DELETE FROM migration')
			assert.deepEqual(await migrate(driver), { from: 0, to: LATEST })
		})

		test('the triggers that an older program made are gone', async (t) => {
			const driver = await open(t, await engine.address(t))
			const { path } = folders(t)
			cpSync(SQL, path, { recursive: true, filter: (from) => !/00(0[89]|1\d)-/.test(from) })
			await migrate(driver, path)
			const [each, body] = engine.name === 'SQLite' ? ['', ['BEGIN ', '; END']] : ['FOR EACH ROW', ['', '']]
			await driver.script(`CREATE TRIGGER stat_entry_updated AFTER UPDATE ON entry ${each} ${body[0]}INSERT INTO stat_touched (file_id) VALUES (NEW.file_id)${body[1]}`)
			await driver.change('INSERT INTO entry (parent_id, name, file_id) VALUES (1, ?, 2)', [Buffer.from('a')])
			await migrate(driver)
			await driver.change('UPDATE entry SET file_id = 3')
			assert.deepEqual(await driver.all('SELECT file_id FROM stat_touched'), [])
		})

		test('several that make the tree at once: one does it, the others find it made', async (t) => {
			const address = await engine.address(t)
			const drivers = await Promise.all(Array.from({ length: 4 }, () => open(t, address)))
			await migrate(drivers[0])
			const made = await Promise.all(drivers.map((driver) => makeTree(driver, { owner: { uid: 0, gid: 0 }, classes: [{ name: 'default', pattern: '', copies: 1 }], now: { s: 1, ns: 0 } })))
			assert.deepEqual(made.toSorted(), [false, false, false, true])
		})

		test('two processes that migrate at once: one does it, the other finds it done', async (t) => {
			const address = await engine.address(t)
			const { path, add } = folders(t)
			cpSync(SQL, path, { recursive: true })
			add('0900-once.sql', 'CREATE TABLE once (n BIGINT NOT NULL PRIMARY KEY); INSERT INTO once VALUES (1)')
			const program = fileURLToPath(new URL('./migrate-once.ts', import.meta.url))
			const processes = [1, 2].map(() => fork(program, [address, path]))
			await Promise.all(processes.map((each) => once(each, 'message')))
			const answers = processes.map((each) => once(each, 'message'))
			const exits = processes.map((each) => once(each, 'exit'))
			for (const each of processes) each.send('go')
			const results = (await Promise.all(answers)).map(([result]) => result as { from: number; to: number })
			assert.deepEqual(results.map((result) => result.from).sort((a, b) => a - b), [0, 900])
			assert.deepEqual((await Promise.all(exits)).map(([code]) => code), [0, 0])
			const driver = await open(t, address)
			assert.deepEqual(await recorded(driver), [...VERSIONS, 900])
		})
	})
}
