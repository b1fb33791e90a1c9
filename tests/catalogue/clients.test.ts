import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as clients from '../../core/catalogue/clients.ts'
import { engines, ready } from './engines.ts'

for (const engine of engines) {
	test(`${engine.name}: a client whose mount point has a very long path is known by the start of it`, async (t) => {
		const { driver } = await ready(t, engine)
		const what = `mount ${'/deep'.repeat(100)}`
		const client = { id: 16, host: 'here', pid: 1, started: '', what }
		await driver.transaction(function* (tx) {
			clients.insert(tx, client, driver.capabilities)
			clients.insert(tx, { ...client, id: 17, what: 'short' }, driver.capabilities)
			clients.setWhat(tx, 17, what)
		})
		const rows = await clients.list(driver, driver.capabilities)
		assert.equal(rows.length, 2)
		for (const row of rows) assert.ok(row.what.length > 100 && what.startsWith(row.what))
	})
}
