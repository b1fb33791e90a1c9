/** A walk that is killed: whoever walks next finishes it, and nothing is there twice. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ground, walkOn } from './walked.ts'

const WALK = fileURLToPath(new URL('./killed-walk.ts', import.meta.url))
const FILES = 700

test('killed before or after any of its transactions', async (t) => {
	const { put, directory, rows, start, read, node } = await ground(t)
	for (let index = 0; index < FILES; index++) put(1, `d${index % 37}/f${index}`, `${index}`)
	disk.linkSync(node(1, 'd0/f0'), node(1, 'd1/link'))
	let known = 0
	for (const [transaction, when] of [[3, 'before'], [3, 'after'], [4, 'after']] as const) {
		const { signal } = spawnSync(process.execPath, [WALK, join(directory, 'catalogue.db'), `${transaction}`, when], { timeout: 30_000 })
		assert.equal(signal, 'SIGKILL')
		const now = rows('SELECT COUNT(*) AS many FROM file WHERE kind = 8')[0].many
		assert.equal(now >= known, true)
		known = now
	}
	assert.equal(known > 0 && known < FILES, true)
	const next = await start()
	for (let walks = 0; walks < 2; walks++) await walkOn(next, 1)
	const { outcomes, troubles } = await walkOn(next, 1)
	assert.deepEqual([outcomes, troubles], [{ known: FILES + 1 }, []])
	assert.equal(rows('SELECT * FROM file WHERE kind = 8').length, FILES)
	assert.deepEqual(rows('SELECT file_id, node_id FROM replica GROUP BY file_id, node_id HAVING COUNT(*) > 1'), [])
	assert.equal(read(1, 'd5/f5'), '5')
})

test('killed while it sets something aside: the file is in one of the two places, and the row says which', async (t) => {
	const { put, directory, rows, start, conflicts, has, node, client } = await ground(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	put(2, 'f', 'content')
	await walkOn(client, 2)
	put(1, 'f', 'another content')
	for (const when of ['before', 'after']) spawnSync(process.execPath, [WALK, join(directory, 'catalogue.db'), '3', when], { timeout: 30_000 })
	const next = await start()
	await walkOn(next, 1)
	assert.deepEqual(conflicts(), ['f differs'])
	assert.deepEqual(rows('SELECT * FROM intent WHERE client_id IS NOT NULL AND client_id <> ?', next.fs.client), [])
	assert.equal(has(1, 'f'), false)
	assert.equal(disk.readFileSync(node(1, `${Buffer.from(rows('SELECT aside FROM conflict')[0].aside)}`), 'utf8'), 'another content')
})
