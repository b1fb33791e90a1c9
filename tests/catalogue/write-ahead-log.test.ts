/** SQLite's log, synced on demand. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeAheadLog } from '../../core/catalogue/write-ahead-log.ts'

test('a log that could not be opened is opened by the next sync, and nothing is in the way of the end', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-log-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	const [log, never] = ['db', 'other'].map((name) => writeAheadLog(join(directory, name), (work) => work()))
	for (const each of [log, never]) await assert.rejects(each.sync(), { code: 'ENOENT' })
	writeFileSync(join(directory, 'db-wal'), '')
	await log.sync()
	await log.close()
	await never.close()
})
