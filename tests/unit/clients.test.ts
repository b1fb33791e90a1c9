/** Who else is there, and what that changes. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createAnnouncer, NEGATIVE_ALONE_SECONDS } from '../../core/filesystem/announce.ts'
import { beat, QUIET_DOOR, REPLICATOR, refreshClients } from '../../core/filesystem/clients.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
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

it('a door that only reads leaves a mount alone; it says so before it changes something, and waits until that is known', async (test) => {
	const { start, rows } = await installation(test)
	const mount = await start({ what: 'mount /mnt/x' })
	const door = await start({ what: QUIET_DOOR })
	now(refreshClients(mount.fs))
	assert.equal(mount.fs.shared, false)
	const { promise: known, resolve } = Promise.withResolvers<void>()
	const pauses: number[] = []
	const announcer = createAnnouncer(door.fs, (ms) => {
		pauses.push(ms)
		return known
	})
	test.after(announcer.end)
	const waiting = announcer.beforeChange()
	await new Promise((done) => setImmediate(done))
	assert.equal(rows('SELECT what FROM client WHERE id = ?', door.fs.client)[0].what, 'api')
	now(catchUp(mount.fs))
	assert.equal(mount.fs.shared, true)
	assert.equal(pauses.length, 1)
	assert.ok(pauses[0] > NEGATIVE_ALONE_SECONDS * 1000 + mount.fs.config.mount.pollMs)
	assert.equal(announcer.beforeChange(), waiting, 'it is not over')
	resolve()
	await waiting
	assert.equal(announcer.beforeChange(), undefined)
})

it('a door with no mount beside it waits for nobody', async (test) => {
	const { start } = await installation(test)
	const announcer = createAnnouncer((await start({ what: QUIET_DOOR })).fs)
	test.after(announcer.end)
	await announcer.beforeChange()
	assert.equal(announcer.beforeChange(), undefined)
})
