/** A change whose number is given and whose commit is yet to come, when somebody begins to follow the journal. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as changes from '../../core/catalogue/changes.ts'
import { createJournal } from '../../core/filesystem/journal.ts'
import { run, wait } from '../../core/op.ts'
import { mariadb, open, ready } from './engines.ts'

const CLIENT = 1

test('MariaDB: what commits after the start is read, what had been before is not', async (t) => {
	const { driver, address } = await ready(t, mariadb)
	const other = await open(t, address)
	const journal = createJournal(driver.capabilities)
	const add = (file: number) => driver.transaction(function* (tx) {
		changes.insert(tx, CLIENT, { op: 'mkdir', file }, driver.capabilities)
	})
	const seen = async () => (await run(journal.read(driver))).map(({ file_id }) => file_id)
	for (const old of [1, 2]) await add(old)
	await driver.change('UPDATE `change` SET at = at - 3600')
	await other.transaction(function* (tx) {
		changes.insert(tx, CLIENT, { op: 'mkdir', file: 3 }, driver.capabilities)
		yield* wait(tx.get('SELECT 1'))
		yield* wait(add(4))
		yield* wait(run(journal.start(driver)))
		yield* wait(seen().then((files) => assert.deepEqual(files, [])))
	})
	assert.deepEqual(await seen(), [3])
	await add(5)
	assert.deepEqual(await seen(), [5])
})

test('MariaDB: where the journal is long, who starts reads its end', async (t) => {
	const { address } = await ready(t, mariadb)
	const driver = await open(t, address, { catalogueConnections: 1 })
	await driver.change("INSERT INTO `change` (at, client_id, op) SELECT UNIX_TIMESTAMP() - IF(seq > 19990, 0, 3600), 0, 'client' FROM seq_1_to_20000")
	const read = async () => {
		const rows = await driver.all<{ Value: string }>("SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'")
		return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
	}
	const before = await read()
	assert.equal((await changes.lately(driver, 60, driver.capabilities)).length, 11)
	assert.ok((await read()) - before < 2_000)
})
