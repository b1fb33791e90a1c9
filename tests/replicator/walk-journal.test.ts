/** A walk writes as many changes as there are files: its own process need not read them, and misses none of the others'. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { startWatching } from '../../replicator/walk/watch.ts'
import { now, writeFile } from '../unit/installation.ts'
import { beforeWriting, ground } from './walked.ts'

test('what a walk adopts is not read again by the process it runs in', async (t) => {
	const { put, walk, client, rows } = await ground(t)
	for (const name of ['a', 'b', 'd/c']) put(1, name, name)
	await walk()
	assert.equal(rows("SELECT * FROM `change` WHERE op IN ('create', 'mkdir')").length, 4)
	assert.deepEqual(now(client.fs.journal.read(client.fs.catalogue)), [])
})

test('what others change meanwhile is still told', async (t) => {
	const { put, walk, client, start } = await ground(t)
	const user = await start()
	const told: string[] = []
	client.fs.onChange = ({ op, name }) => told.push(`${op} ${name && Buffer.from(name)}`)
	put(1, 'a', 'a')
	beforeWriting(client, () => {
		writeFile(user.fs, 'mine', 'of a user')
		flushLater(user.fs)
	})
	assert.deepEqual((await walk()).outcomes, { adopted: 1 })
	now(catchUp(client.fs))
	assert.deepEqual(told.filter((line) => line.startsWith('create')), ['create mine'])
})

test('where others change more than is kept of it, all counts as changed, once, and what the walk found is adopted', async (t) => {
	const { put, walk, client, rows, file } = await ground(t)
	// As another walk of the same tree is ahead by this much.
	const muchElsewhere = () =>
		rows(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
			INSERT INTO \`change\` (at, client_id, op, parent_id, name, file_id) SELECT 1, 9, 'create', 99, CAST(i AS BLOB), 1000000 + i FROM n`)
	const watchman = now(startWatching(client.fs))
	const [open, other] = [watchman.open(), watchman.open()]
	const name = Buffer.from('1')
	assert.deepEqual([open.isTouched(99, name), open.isQuiet], [false, true])
	muchElsewhere()
	now(watchman.look(client.fs.catalogue))
	const late = watchman.open()
	assert.deepEqual([open, other, late].map((watch) => [watch.isTouched(1, name), watch.isFileTouched(1), watch.isQuiet]), [[true, true, false], [true, true, false], [false, false, true]])

	put(1, 'd/f', 'text')
	beforeWriting(client, muchElsewhere)
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles, file('d/f')?.size], [{ directory: 1, adopted: 1 }, [], 4])
})
