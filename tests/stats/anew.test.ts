/** Making the figures from nothing, in a tree of which that is too much for one transaction. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillCatalogue } from '../../bench/million.ts'
import type { Driver, Value } from '../../core/catalogue/driver.ts'
import { endFilling } from '../../core/catalogue/dump/fill.ts'
import * as leases from '../../core/catalogue/leases.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { boundTouched } from '../../core/stats/bound.ts'
import { JOB } from '../../core/stats/lines.ts'
import { overview } from '../../core/stats/overview.ts'
import { isBehind, rebuildJob } from '../../replicator/stats/stats.ts'
import { runJob } from '../../replicator/replicator.ts'
import { engines, sqlite } from '../catalogue/engines.ts'
import { place } from './place.ts'

const FILES = 12_000

test('it is begun in parts, each with its bounds; one that was stopped begins again', async (t) => {
	const { address, fs, driver, count } = await place(t, sqlite)
	await fillCatalogue(address, { directories: 2, files: FILES / 2 })
	const asked: Array<readonly Value[]> = []
	const stopped = new AbortController()
	const catalogue = noting(fs.catalogue, /^INSERT INTO stat_touched .* SELECT id FROM file/, (params) => {
		asked.push(params)
		stopped.abort()
	})
	await runJob({ ...fs, catalogue }, fs.nodes.get(1) as Node, rebuildJob, { signal: stopped.signal })
	assert.equal(asked.length, 1)
	const first = (await driver.all<{ file_id: number }>('SELECT file_id FROM stat_touched')).length
	assert.ok(first <= 10_000, `${first} with one statement`)
	await count()
	const { tree, behind } = await run(overview(driver))
	assert.deepEqual([tree.files, behind], [FILES, 0])

	// The end of a load, of a dump of any size.
	await endFilling(driver, { epoch: 1, seq: 1_000_000 })
	assert.deepEqual([await isBehind(driver), await driver.all('SELECT file_id FROM stat_touched')], [true, []])
})

for (const engine of engines) {
	test(`${engine.name}: from under somebody who counts nothing is thrown away`, async (t) => {
		const { fs, driver } = await place(t, engine)
		await driver.transaction(function* (tx) {
			touched.addMany(tx, Array.from({ length: 20 }, (_, index) => index))
		})
		assert.equal(await run(leases.take(fs, JOB, 60, function* () { return true })), true)
		assert.equal(await run(boundTouched(fs, 5)), 0)
		await driver.change(`DELETE FROM lease WHERE name = '${JOB}'`)
		assert.ok((await run(boundTouched(fs, 5))) > 0)
	})
}

function noting(driver: Driver, text: RegExp, note: (params: readonly Value[]) => void): Driver {
	return {
		...driver,
		transaction: (body) =>
			driver.transaction((tx) =>
				body({
					...tx,
					write(sql, params = []) {
						if (text.test(sql)) note(params)
						tx.write(sql, params)
					},
				}),
			),
	}
}
