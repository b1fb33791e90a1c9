/** A walk writes as many changes as there are files: its own process need not read them, and misses none of the others'. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
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
