/** The breaker, by what an operation under it answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Errno, fail } from '../../core/errors.ts'
import { isRemoteAmong, mounts } from '../../core/nodes/detect.ts'
import { newHealth, recentMs, watch, withBreaker } from '../../core/nodes/health.ts'
import type { NodeOperations, Space } from '../../core/nodes/node.ts'

const SPACE: Space = { capacity: 10, free: 5, files: 2, filesFree: 1, disk: 1 }
const FILE = Buffer.from('f')

/** A node that answers every call with `code`, or well where it is empty. */
function fake() {
	const state = { code: '', opened: 0 }
	const answer = () => (state.code === '' ? 0 : fail(state.code))
	const operations = {
		stat: answer,
		seek: answer,
		close: answer,
		identify: answer,
		space: () => SPACE,
	} as unknown as NodeOperations
	const health = newHealth()
	const watched = withBreaker({ operations, health, remote: false, opened: () => state.opened++ })
	const monitor = watch({ operations, health, uuid: 'u', found: () => undefined })
	monitor.probe()
	monitor.end()
	return { state, health, watched, monitor }
}

for (const code of ['ETIMEDOUT', 'ENOTCONN', 'ENODEV', 'ECONNRESET', 'EHOSTDOWN', 'EREMOTEIO']) {
	test(`${code} opens it at once, a probe closes it`, () => {
		const { state, health, watched, monitor } = fake()
		assert.equal(health.up, true)
		state.code = code
		assert.throws(() => watched.stat(FILE), { code })
		assert.deepEqual([health.up, state.opened, health.failures], [false, 1, 1])
		assert.throws(() => watched.stat(FILE), { code: 'ENOTCONN' })
		monitor.probe()
		assert.equal(health.up, false)
		state.code = ''
		assert.throws(() => watched.stat(FILE), { code: 'ENOTCONN' })
		monitor.probe()
		assert.equal(health.up, true)
		watched.stat(FILE)
	})
}

test('EIO and ESTALE open it at the third in a row, but not of one file', () => {
	for (const code of ['EIO', 'ESTALE']) {
		const { state, health, watched } = fake()
		let files = 0
		const failing = (file = Buffer.from(`f${files++}`)) => assert.throws(() => watched.stat(file), { code })
		state.code = code
		failing()
		failing()
		state.code = 'ENOENT'
		assert.throws(() => watched.stat(FILE), { code: 'ENOENT' })
		state.code = code
		failing()
		failing()
		for (let times = 0; times < 5; times++) failing(Buffer.from(`f${files - 1}`))
		assert.equal(health.up, true)
		failing()
		assert.equal(health.up, false)
	}
})

test('a probe that fails for want of descriptors or memory leaves it as it is', () => {
	const { state, health, monitor } = fake()
	for (const code of ['EMFILE', 'ENFILE', 'ENOMEM']) {
		state.code = code
		monitor.probe()
		assert.deepEqual([health.up, health.reason], [true, ''])
	}
	state.code = 'ENODEV'
	monitor.probe()
	state.code = 'EMFILE'
	monitor.probe()
	assert.deepEqual([health.up, health.reason], [false, 'EMFILE'])
})

test('a seek past the end says nothing of the node, and a close is made whatever its state', () => {
	const { state, health, watched } = fake()
	state.code = 'ENXIO'
	for (let times = 0; times < 5; times++) assert.throws(() => watched.seek(1, 0, 3), { code: 'ENXIO' })
	assert.equal(health.up, true)
	state.code = 'ETIMEDOUT'
	assert.throws(() => watched.stat(FILE), Errno)
	state.code = ''
	watched.close(1)
})

test('what was opened before the node came back says nothing of the node there is now, unless it hangs', async (t) => {
	const state = { code: '' }
	const answer = async () => (state.code === '' ? 7 : fail(state.code))
	const operations = { open: answer, fstat: answer, identify: answer, space: () => SPACE } as unknown as NodeOperations
	const health = newHealth()
	const watched = withBreaker({ operations, health, remote: true, opened: () => undefined })
	const monitor = watch({ operations, health, uuid: 'u', found: () => undefined })
	t.after(() => monitor.end())
	const fails = async (code: string) => {
		state.code = code
		await assert.rejects(async () => await watched.fstat(7), { code })
		state.code = ''
	}
	await monitor.probe()
	await watched.open(FILE, 0)
	await fails('ENOTCONN')
	assert.equal(health.up, false)
	await monitor.probe()
	await fails('ENOTCONN')
	assert.equal(health.up, true)
	await watched.open(FILE, 0)
	await fails('ENOTCONN')
	assert.equal(health.up, false)
	await monitor.probe()
	await fails('ETIMEDOUT')
	assert.equal(health.up, false)
})

test('what asks and what changes is timed apart; failures and what was long ago are not', async (t) => {
	let takesMs = 0
	t.mock.method(performance, 'now', () => nowMs)
	let nowMs = 1_000
	const slow = async () => {
		await undefined
		nowMs += takesMs
		return state.code === '' ? 0 : fail(state.code)
	}
	const state = { code: '' }
	const health = newHealth()
	health.up = true
	const operations = { stat: slow, rename: slow } as unknown as NodeOperations
	const watched = withBreaker({ operations, health, remote: true, opened: () => undefined })
	assert.deepEqual([recentMs(health.read), recentMs(health.write)], [undefined, undefined])
	takesMs = 5
	await watched.stat(FILE)
	takesMs = 100
	await watched.rename(FILE, FILE)
	assert.deepEqual([recentMs(health.read), recentMs(health.write)], [5, 100])
	takesMs = 15
	await watched.stat(FILE)
	assert.deepEqual([recentMs(health.read), recentMs(health.write)], [6, 100])
	state.code = 'EIO'
	await assert.rejects(async () => await watched.stat(FILE))
	assert.equal(recentMs(health.read), 6)
	nowMs += 3_600_000
	assert.deepEqual([recentMs(health.read), recentMs(health.write)], [undefined, undefined])
})

test('the filesystem is told by the longest mount point, the later of two on one, and any symlink on the way', () => {
	const table = mounts(
		[
			'1 0 8:1 / / rw - ext4 /dev/sda1 rw',
			'2 1 0:1 / /mnt/far\\040away rw shared:1 - nfs4 server:/x rw',
			'3 1 0:2 / /mnt/twice rw - ext4 /dev/sdb rw',
			'4 1 0:3 / /mnt/twice rw - fuse.sshfs host:/ rw',
			'5 2 0:4 / /mnt/far\\040away/disk rw - xfs /dev/sdc rw',
			'',
		].join('\n'),
	)
	assert.equal(isRemoteAmong(table, '/mnt/far away/node'), true)
	assert.equal(isRemoteAmong(table, '/mnt/far'), false)
	assert.equal(isRemoteAmong(table, '/mnt/twice'), true)
	assert.equal(isRemoteAmong(table, '/mnt'), false)
	// The way there leads over the network.
	assert.equal(isRemoteAmong(table, '/mnt/far away/disk'), true)
})

test('a probe that its node was closed under says nothing of the node', async () => {
	const health = newHealth()
	const { promise, reject } = Promise.withResolvers<void>()
	const operations = { identify: () => promise, space: () => SPACE } as unknown as NodeOperations
	const monitor = watch({ operations, health, uuid: 'u', found: () => assert.fail('it was said') })
	const { reason } = health
	const probe = monitor.probe()
	monitor.end()
	reject(new Errno('ENOTCONN', 'closed'))
	await probe
	assert.equal(health.reason, reason)
})
