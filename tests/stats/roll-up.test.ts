/** The figures are what counting every row would give: after any changes, however they are counted, whoever is killed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { countTree } from '../../core/catalogue/totals.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { CHANGE_SECONDS_MAX, pruneChanges } from '../../core/filesystem/prune.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { boundTouched } from '../../core/stats/bound.ts'
import { overview } from '../../core/stats/overview.ts'
import { dailyFigures } from '../../core/stats/days.ts'
import { JOB } from '../../core/stats/lines.ts'
import { rollUp } from '../../core/stats/roll-up.ts'
import { treeTotal } from '../../core/stats/tree-total.ts'
import { sizeBelow } from '../../core/stats/tree-sizes.ts'
import { isBehind, isStatsDue } from '../../replicator/stats/stats.ts'
import { engines } from '../catalogue/engines.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { meddle, writeFile } from './meddle.ts'
import { place } from './place.ts'
import { kept, recounted } from './recount.ts'

/** A server takes ten times as long for each. */
const CHANGES: Record<string, number> = { SQLite: 500, MariaDB: 150 }
const at = (name: string, parent = 1) => ({ parent, name: Buffer.from(name) })
const OWNER = { mode: 0o755, uid: 0, gid: 0 }

for (const engine of engines) {
	test(`${engine.name}: figures after random changes`, async (t) => {
		const seed = seedOfRun()
		t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		const { fs, driver, count, countAnew } = await place(t, engine)
		for (let done = 0; done < CHANGES[engine.name]; done++) {
			await meddle(fs, random)
			if (!random.chance(0.1)) continue
			assert.deepEqual(await run(treeTotal(driver)), await run(countTree(driver)), 'not counted yet')
			await count()
			assert.deepEqual(await run(treeTotal(driver)), await run(sizeBelow(driver, ROOT_ID)))
			assert.deepEqual(await run(treeTotal(driver)), await run(countTree(driver)))
			assert.deepEqual(await kept(driver), await recounted(driver), `after ${done + 1} changes`)
		}
		await count()
		const before = await kept(driver)
		await countAnew()
		assert.deepEqual(await kept(driver), before)
		const journal = await driver.all("SELECT op, COUNT(*) AS many FROM `change` GROUP BY op ORDER BY op")
		const [{ changes }] = await run(dailyFigures(driver, { days: 1 }))
		assert.deepEqual(Object.entries(changes), journal.map(({ op, many }) => [op, many]))
	})

	test(`${engine.name}: a directory that moves is a few rows, whatever is below it`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		const { id: from } = await run(makeDirectory(fs, at('from'), OWNER))
		const { id: moved } = await run(makeDirectory(fs, at('moved', from), OWNER))
		for (let each = 0; each < 20; each++) await writeFile(fs, at(`f${each}`, moved), Buffer.alloc(100))
		await count()
		await run(makeDirectory(fs, at('to'), OWNER))
		await run(rename(fs, at('moved', from), at('moved too'), 'replace'))
		await count()
		assert.equal(await touchedLast(), 'nothing')
		assert.deepEqual(await run(sizeBelow(driver, from)), { files: 0, bytes: 0, directories: 0 })
		assert.deepEqual(await run(sizeBelow(driver, moved)), { files: 20, bytes: 2_000, directories: 0 })
		assert.deepEqual(await kept(driver), await recounted(driver))
		for (let each = 0; each < 20; each++) await run(unlink(fs, at(`f${each}`, moved)))
		await run(removeDirectory(fs, at('moved too')))
		await count()
		assert.deepEqual(await kept(driver), await recounted(driver))

		async function touchedLast(): Promise<string> {
			return (await driver.all('SELECT * FROM stat_touched')).length === 0 ? 'nothing' : 'something'
		}
	})

	test(`${engine.name}: of two directories that changed places in depth, one is heard of late`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		const { id: outer } = await run(makeDirectory(fs, at('outer'), OWNER))
		const { id: inner } = await run(makeDirectory(fs, at('inner', outer), OWNER))
		await writeFile(fs, at('f', inner), Buffer.alloc(10))
		await count()
		await run(rename(fs, at('inner', outer), at('inner'), 'replace'))
		await run(rename(fs, at('outer'), at('outer', inner), 'replace'))
		// On a server a line may appear after one of a later change. Counted as it is, each would be below the other.
		await driver.transaction((tx) => rollUp(tx, [{ seq: 0, at: 0, op: 'renamedir', file_id: outer }], driver.capabilities))
		assert.deepEqual((await driver.all('SELECT file_id FROM stat_touched')).map((row) => row.file_id), [outer], 'looked at again later')
		await count()
		assert.deepEqual(await kept(driver), await recounted(driver))
	})

	test(`${engine.name}: where nobody counts, the list of what is to be counted does not grow for ever`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		const id = (await writeFile(fs, at('counted'), Buffer.alloc(10))) as number
		await count()
		for (let each = 0; each < 7; each++) {
			await driver.transaction(function* (tx) {
				replicas.setState(tx, id, 1, REPLICA.suspect)
			})
		}
		assert.equal(await run(boundTouched(fs)), 0)
		assert.equal((await run(boundTouched(fs, 5))) > 5, true)
		assert.equal((await driver.all('SELECT * FROM stat_touched')).length, 0)
		assert.equal(await isBehind(driver), true)
		await count()
		assert.equal(await isBehind(driver), false)
		assert.deepEqual(await kept(driver), await recounted(driver))
	})

	test(`${engine.name}: a run that took long is followed by a long rest`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		await count()
		await writeFile(fs, at('not counted'), Buffer.alloc(10))
		const took = async (seconds: number, endedAgo: number) => {
			await driver.change(`UPDATE job SET summary = ?, ended = ${driver.capabilities.now} - ? WHERE name = ?`, [JSON.stringify({ seconds }), endedAgo, JOB])
			return await isStatsDue(fs)
		}
		assert.equal(await took(0.015, 0), false)
		assert.equal(await took(0.015, 2), true)
		assert.equal(await took(0.1, 4), false)
		assert.equal(await took(0.1, 7), true)
		assert.equal(await took(3_600, 12), true)
		await count()
		assert.equal(await took(0, 0), false)
	})

	test(`${engine.name}: the journal is pruned before anybody has counted it`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		await writeFile(fs, at('counted'), Buffer.alloc(10))
		await driver.change('UPDATE `change` SET at = at - ?', [2 * CHANGE_SECONDS_MAX])
		await count()
		assert.equal((await run(pruneChanges(fs))) > 0, true)
		assert.equal(await isBehind(driver), false, 'what goes was counted')
		await writeFile(fs, at('not counted'), Buffer.alloc(10))
		await driver.change('UPDATE `change` SET at = at - ?', [2 * CHANGE_SECONDS_MAX])
		await writeFile(fs, at('kept'), Buffer.alloc(10))
		assert.equal((await run(pruneChanges(fs))) > 0, true)
		await count()
		assert.deepEqual(await kept(driver), await recounted(driver))
	})

	test(`${engine.name}: where things stand`, async (t) => {
		const { fs, driver, count } = await place(t, engine)
		await run(makeDirectory(fs, at('pictures'), OWNER))
		const id = await writeFile(fs, at('a\nb'), Buffer.alloc(300))
		const found = await run(overview(driver))
		assert.equal(found.behind > 0, true, 'what waits to be counted is said')
		await count()
		const { copies, tree, behind, owed } = await run(overview(driver))
		assert.equal(behind, 0)
		assert.deepEqual(tree, { files: 1, bytes: 300, directories: 1 })
		assert.deepEqual(
			copies.map(({ class: name, goal, files, rows }) => ({ name, goal, files, rows })),
			[
				{ name: 'pictures', goal: 3, files: 0, rows: [] },
				{ name: 'default', goal: 2, files: 1, rows: [{ copies: 1, standing: 'under', files: 1, bytes: 300, example: { id, path: Buffer.from('a\nb') } }] },
			],
		)
		assert.deepEqual(owed.map(({ kind, files, bytes }) => ({ kind, files, bytes })), [{ kind: 'copy', files: 1, bytes: 300 }])
	})
}
