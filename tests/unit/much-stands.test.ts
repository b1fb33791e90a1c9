/** So much stands on a node to be carried out that not all of it is read: what is not among the first may be about any path. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as intents from '../../core/catalogue/intents.ts'
import { open } from '../../core/filesystem/open.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { STANDING_ROWS_MAX } from '../../core/filesystem/standing.ts'
import { run } from '../../core/op.ts'
import { STANDING_ROWS_MAX as WALKED_MAX, yetToDo } from '../../replicator/walk/chunks.ts'
import { at, installation, now, writeFile } from './installation.ts'

const BEFORE = `
	WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
	INSERT INTO intent (node_id, op, path, to_path, file_id, client_id, token, created)
	SELECT 1, 'unlink', CAST('gone/' || n AS BLOB), NULL, 0, ?, 1, 0 FROM number`

test('saved over, and the node has yet to be told: nobody is given the old content', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	const other = await start()
	const id = writeFile(fs, 'new', 'the new content')
	writeFile(fs, 'f', 'old')
	const beside = writeFile(fs, 'g', 'beside')
	await fs.catalogue.change(BEFORE, [STANDING_ROWS_MAX, other.fs.client])
	await run(rename(fs, at('new'), at('f'), 'replace'))
	await assert.rejects(async () => run(open(fs, id, { write: false, truncate: false })), { code: 'EIO' })
	assert.ok(now(open(fs, beside, { write: false, truncate: false })), 'what is about another path stands in no way of it')
	await fs.catalogue.change('DELETE FROM intent WHERE client_id = ?', [other.fs.client])
	await run(settle(fs))
	assert.deepEqual(rows('SELECT op FROM intent'), [])
	const file = now(open(fs, id, { write: false, truncate: false }))
	assert.equal((await file.node.operations.fstat(file.fd)).size, 'the new content'.length)
})

test('a walk that has done one of them itself does not take the rest for all there is', async (t) => {
	const { start } = await installation(t)
	const { fs } = await start()
	await fs.catalogue.change(BEFORE, [WALKED_MAX, fs.client])
	const done = await intents.standing(fs.catalogue, 1, WALKED_MAX)
	assert.equal(yetToDo(fs, done).length, WALKED_MAX)
	assert.equal(yetToDo(fs, done.slice(1)).length, 0)
	await fs.catalogue.change('DELETE FROM intent')
})
