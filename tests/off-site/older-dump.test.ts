/** A catalogue made anew from a dump that is older than what agents were told since: what they are told then is new to them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpInto } from '../../cli/dump.ts'
import * as notices from '../../core/catalogue/backup-notices.ts'
import { loadDump } from '../../core/catalogue/dump/load.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { engines, ready } from '../catalogue/engines.ts'

const SITE = 7

async function tell(driver: Driver, path: string): Promise<number> {
	await driver.transaction(function* (tx) {
		notices.insert(tx, SITE, { kind: 'deleted', path: Buffer.from(path), at: 1 })
	})
	const [{ id }] = await driver.all<{ id: number }>('SELECT MAX(id) AS id FROM backup_notice WHERE site_id = ?', [SITE])
	return id
}

for (const engine of engines) {
	test(`${engine.name}: notices have higher numbers than any that were given before`, async (t) => {
		const folder = mkdtempSync(join(tmpdir(), 'cairn-older-'))
		t.after(() => rmSync(folder, { recursive: true }))
		const { driver } = await ready(t, engine)
		await tell(driver, 'before')
		await dumpInto(driver, join(folder, 'dump'))
		let last = 0
		for (let n = 0; n < 3; n++) last = await tell(driver, `after ${n}`)
		for (let times = 0; times < 2; times++) {
			await loadDump(driver, join(folder, 'dump'))
			const next = await tell(driver, 'now')
			assert.ok(next > last, `${next} after ${last}`)
			const told = await notices.after(driver, SITE, last, 10)
			assert.deepEqual(told.map(({ path }) => Buffer.from(path).toString()), ['now'])
		}
	})
}
