/** What sites hold is not counted where it is known: it costs the same for a million files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as backups from '../../core/catalogue/backups.ts'
import * as sites from '../../core/catalogue/sites.ts'
import { run } from '../../core/op.ts'
import { siteTotals } from '../../core/stats/site-totals.ts'
import { engines } from '../catalogue/engines.ts'
import { writeFile } from './meddle.ts'
import { place } from './place.ts'

for (const engine of engines) {
	test(`${engine.name}: files by site and state are as the figures have them, and are counted only while something waits to be counted`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		await driver.transaction(function* (tx) {
			for (const name of ['attic', 'barn']) sites.insert(tx, { name, sealed_key: Buffer.alloc(1), state: 'active', settings: '{}' }, driver.capabilities)
		})
		for (let n = 0; n < 12; n++) {
			await writeFile(fs, { parent: 1, name: Buffer.from(`f${n}`) }, Buffer.alloc(10))
			const [{ id }] = await driver.all<{ id: number }>('SELECT MAX(id) AS id FROM file')
			for (const site of [1, 2]) {
				const state = 1 + ((n + site) % 5)
				await driver.change('INSERT INTO backup (file_id, site_id, version, state, since, proved_at) VALUES (?, ?, 1, ?, ?, ?)', [id, site, state, 100 + n, state === 4 ? 100 + n : 0])
			}
		}
		const counted = async () => (await Promise.all([1, 2].map((site) => backups.totals(driver, site)))).flat().map(({ site_id, state, many, oldest }) => [site_id, state, Number(many), state === 4 ? Number(oldest) : 0]).sort()
		const said = async () => (await run(siteTotals(driver))).map(({ site_id, state, many, oldest }) => [site_id, state, Number(many), state === 4 ? Number(oldest) : 0]).sort()
		await count()
		assert.deepEqual(await said(), await counted())
		// Who counted would not see this.
		await driver.change('UPDATE stat_site SET files = files + 1000')
		assert.ok((await said()).every(([, , many]) => (many as number) > 1_000))
		const [gone] = await driver.all<{ file_id: number; site_id: number }>('SELECT file_id, site_id FROM backup WHERE site_id = 1 AND state = 1')
		await driver.transaction(function* (tx) {
			backups.remove(tx, gone)
		})
		assert.deepEqual(await said(), await counted())
	})
}
