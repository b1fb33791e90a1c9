/** Signals that daemons are sent by those who start, stop and rotate: what they do to a mount, and what they do not. */
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mountLockPath, takeLock } from '../../cli/run-lock.ts'
import { detach, isMounted } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { makeTree, makeWorkplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const exec = promisify(execFile)

test('what rotating logs sends to other daemons ends no mount, and is answered with nothing', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	const mounting = spawn(CAIRN, ['mount', mountPoint, '--foreground', '--config', place.config], { stdio: ['ignore', 'ignore', 'pipe'] })
	t.after(() => mounting.kill('SIGKILL'))
	let said = ''
	mounting.stderr.on('data', (chunk) => (said += chunk))
	await until('the mount', () => isMounted(mountPoint) || undefined)
	for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
		mounting.kill(signal)
		await exec('stat', ['-f', mountPoint], { timeout: 5_000 })
	}
	mounting.kill('SIGTERM')
	assert.deepEqual(await once(mounting, 'exit'), [0, null])
	assert.equal(said, '')
})

test('who waits for a mount and has had enough gets none later', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	const lockPath = mountLockPath(mountPoint, process.env)
	const lock = takeLock(lockPath)
	assert.ok(lock)
	const mounting = spawn(CAIRN, ['mount', mountPoint, '--config', place.config], { stdio: 'ignore' })
	const daemon = await until('a daemon', () => daemonOf(Number(mounting.pid)))
	t.after(() => spawnSync('kill', ['-KILL', String(daemon)]))
	mounting.kill('SIGINT')
	await once(mounting, 'exit')
	lock.release()
	await until('its end', () => !existsSync(`/proc/${daemon}`) || undefined)
	assert.equal(isMounted(mountPoint), false)
})

/** The launcher has other children before it. */
function daemonOf(parent: number): number | undefined {
	const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter((pid) => pid !== '')
	return children.map(Number).find((pid) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--foreground'))
}
