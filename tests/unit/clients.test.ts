/** Who else is there, and what that changes. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAnnouncer, NEGATIVE_ALONE_SECONDS } from '../../core/filesystem/announce.ts'
import { beat, QUIET_DOOR, REPLICATOR, refreshClients } from '../../core/filesystem/clients.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { until } from '../support/until.ts'
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

it('a process that cannot be looked up is alive until it has been silent for long, whatever its machine is called', async (test) => {
	const { start, rows } = await installation(test)
	const { fs } = await start({ what: 'mount /a' })
	const other = await start({ what: 'mount /b' })
	const [{ started }] = rows('SELECT started FROM client WHERE id = ?', other.fs.client)
	const [boot, , , birth] = `${started}`.split(':')
	for (const elsewhere of [`${boot}:pid:[1]:${birth}`, `another boot:pid:[4026531836]:${birth}`]) {
		rows('UPDATE client SET started = ?, heartbeat = ? WHERE id = ?', elsewhere, Math.floor(Date.now() / 1_000), other.fs.client)
		now(refreshClients(fs))
		assert.equal(fs.shared, true, elsewhere)
		rows('UPDATE client SET heartbeat = heartbeat - 60 WHERE id = ?', other.fs.client)
		now(refreshClients(fs))
		assert.equal(fs.shared, false, elsewhere)
	}
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
	const announcer = createAnnouncer(door.fs, {
		pause(ms) {
			pauses.push(ms)
			return known
		},
	})
	test.after(announcer.end)
	const changes: string[] = []
	const waiting = announcer.changing(() => changes.push('first'))
	await new Promise((done) => setImmediate(done))
	assert.equal(rows('SELECT what FROM client WHERE id = ?', door.fs.client)[0].what, 'api')
	now(catchUp(mount.fs))
	assert.equal(mount.fs.shared, true)
	assert.equal(pauses.length, 1)
	assert.ok(pauses[0] > NEGATIVE_ALONE_SECONDS * 1000 + mount.fs.config.mount.pollMs)
	const second = announcer.changing(() => changes.push('second'))
	await new Promise((done) => setImmediate(done))
	assert.deepEqual(changes, [], 'it is not over')
	resolve()
	await Promise.all([waiting, second])
	assert.equal(pauses.length, 1)
	assert.deepEqual(changes, ['first', 'second'])
})

it('a change that lasts longer than a door takes to be quiet keeps it from that until it has ended', async (test) => {
	const { start, rows } = await installation(test)
	const { fs } = await start({ what: QUIET_DOOR })
	const what = () => rows('SELECT what FROM client WHERE id = ?', fs.client)[0].what
	const announcer = createAnnouncer(fs, { quietAfterMs: 10 })
	test.after(announcer.end)
	const long = Promise.withResolvers<void>()
	const changed = announcer.changing(() => long.promise)
	await announcer.changing(() => undefined)
	await sleep(100)
	assert.equal(what(), 'api')
	long.reject(new Error('failed'))
	await assert.rejects(changed, /failed/)
	await until('it is quiet', () => what() === QUIET_DOOR || undefined)
	await announcer.changing(() => assert.equal(what(), 'api'))
})

it('a door with no mount beside it waits for nobody', async (test) => {
	const { start } = await installation(test)
	const announcer = createAnnouncer((await start({ what: QUIET_DOOR })).fs)
	test.after(announcer.end)
	assert.equal(await announcer.changing(() => 'done'), 'done')
})
