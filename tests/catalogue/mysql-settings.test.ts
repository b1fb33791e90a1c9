/** A server whose settings for everybody are other than ours: what they say does not hold for our connections. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertMany } from '../../core/catalogue/bulk.ts'
import { chain } from '../../core/catalogue/entries.ts'
import { startMariadb } from '../support/mariadb.ts'
import { mariadb, open, ready } from './engines.ts'

/** More rounds than MariaDB goes by itself. */
const DEEP = 1_500

test('limits that a server has for everybody: no row is left out, a table can be emptied', async (t) => {
	const { address } = await ready(t, mariadb)
	const server = await startMariadb()
	await server.query('SET GLOBAL sql_select_limit = 2, GLOBAL sql_safe_updates = 1, GLOBAL sql_mode = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"')
	t.after(() => server.query('SET GLOBAL sql_select_limit = DEFAULT, GLOBAL sql_safe_updates = 0, GLOBAL sql_mode = DEFAULT'))
	const driver = await open(t, address)
	await driver.change("INSERT INTO setting (name, value) VALUES ('a', ?), ('b', ''), ('c', '')", ['\\"'])
	assert.equal((await driver.all('SELECT name FROM setting')).length, 3)
	assert.equal((await driver.get<{ value: string }>("SELECT value FROM setting WHERE name = 'a'"))?.value, '\\"')
	assert.equal(await driver.change('DELETE FROM setting'), 3)
})

test('a directory that is more than a thousand deep has a way up', async (t) => {
	const { driver } = await ready(t, mariadb)
	await driver.transaction(function* (tx) {
		insertMany(tx, 'INSERT INTO entry (parent_id, name, file_id)', "(?,'d',?)", DEEP, (values, at, index) => {
			values[at] = index + 1
			values[at + 1] = index + 2
		})
	})
	const way = await chain(driver, DEEP + 1)
	assert.equal(way.length, DEEP)
	assert.equal(way.at(-1)?.parent_id, 1)
})
