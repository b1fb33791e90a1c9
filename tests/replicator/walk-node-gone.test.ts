/** A node that is removed while it is walked: nothing is adopted there any more, where nobody would find it again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeNode } from '../../cli/node-remove.ts'
import { beforeWriting, ground } from './walked.ts'

test('what a walk has found on a node that was removed meanwhile is not adopted', async (t) => {
	const place = await ground(t, 2)
	const keeper = await place.start()
	place.put(1, 'd/file', 'text')
	beforeWriting(place.client, () => void removeNode(keeper.catalogue, 'node1'))
	assert.match((await place.walk(1)).troubles.join(), /the node was taken away/)
	assert.deepEqual(place.rows("SELECT * FROM entry WHERE name = CAST('file' AS BLOB)"), [])
	assert.deepEqual(place.rows('SELECT * FROM replica'), [])
	assert.ok(place.has(1, 'd/file'))
})
