/** The journal is kept for a month. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANGE_SECONDS_MAX, pruneChanges } from '../../core/filesystem/prune.ts'
import { run } from '../../core/op.ts'
import { createFile, installation } from './installation.ts'

test('changes older than a month go, in any number, and the newest of all stays', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	for (let i = 0; i < 30; i++) createFile(fs, `f${i}`)
	const before = rows('SELECT seq FROM `change` ORDER BY seq').map((row) => row.seq)
	await fs.catalogue.change('UPDATE `change` SET at = at - ? WHERE seq <= ?', [CHANGE_SECONDS_MAX + 60, before[19]])
	assert.equal(await run(pruneChanges(fs)), 20)
	assert.deepEqual(rows('SELECT seq FROM `change` ORDER BY seq').map((row) => row.seq), before.slice(20))
	await fs.catalogue.change('UPDATE `change` SET at = at - ?', [CHANGE_SECONDS_MAX + 60])
	await run(pruneChanges(fs))
	assert.deepEqual(rows('SELECT seq FROM `change`').map((row) => row.seq), before.slice(-1))
})
