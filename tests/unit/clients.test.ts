/** Who else is there, and what that changes. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { beat, REPLICATOR, refreshClients } from '../../core/filesystem/clients.ts'
import { installation, now } from './installation.ts'

it('another door makes the tree shared, a replicator does not', async (test) => {
	const { start } = await installation(test)
	const { fs } = await start({ what: 'mount /a' })
	await start({ what: REPLICATOR })
	now(refreshClients(fs))
	assert.equal(fs.shared, false)
	const other = await start({ what: 'mount /b' })
	now(refreshClients(fs))
	assert.equal(fs.shared, true)
	other.kill()
	now(refreshClients(fs))
	assert.equal(fs.shared, false)
})

it('who was taken for dead comes back under its own name', async (test) => {
	const { start, rows } = await installation(test)
	const { fs } = await start({ what: REPLICATOR })
	rows('DELETE FROM client')
	now(beat(fs))
	assert.deepEqual(rows('SELECT id, what FROM client').map((row) => [row.id, row.what]), [[fs.client, REPLICATOR]])
})
