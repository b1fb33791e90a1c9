/** Behind a number that is missing in the journal: a change that has yet to commit, or never will. Everybody who opens a file asks what is new. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertMany } from '../../core/catalogue/bulk.ts'
import { createJournal } from '../../core/filesystem/journal.ts'
import { run } from '../../core/op.ts'
import { mariadb, ready } from './engines.ts'
import { rowsRead } from './rows-read.ts'

const LINES = 3_000
const LATE = 700

test('mariadb: what came after it is read once, and it is told when it comes', async (t) => {
	const { driver } = await ready(t, mariadb)
	const journal = createJournal(driver.capabilities)
	const told = async () => (await run(journal.read(driver))).map(({ seq }) => seq)
	const add = (first: number, many: number) =>
		driver.transaction(function* (tx) {
			insertMany(tx, 'INSERT INTO `change` (seq, at, client_id, op)', `(?,${driver.capabilities.now},1,'create')`, many, (values, at, index) => {
				values[at] = first + index
			})
		})
	await run(journal.start(driver))
	const before = journal.position()
	await add(before + 1, LATE - 1)
	await add(before + LATE + 1, LINES)
	assert.equal((await told()).length, LATE - 1 + LINES)
	await driver.script('ANALYZE TABLE `change`')
	const read = await rowsRead(driver, true)
	assert.deepEqual(await told(), [])
	const many = await read()
	assert.ok(many < 50, `${many} rows were read for none`)
	await add(before + LATE, 1)
	await add(before + LATE + LINES + 1, 1)
	assert.deepEqual(await told(), [before + LATE, before + LATE + LINES + 1])
})
