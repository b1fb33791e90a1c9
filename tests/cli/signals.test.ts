/** Signals that daemons are sent by those who start, stop and rotate: what they do to a mount, and what they do not. */
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { lockHolder, mountLockPath, takeLock } from '../../cli/run-lock.ts'
import { detach, isMounted } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { makeWorkplace, type Workplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const exec = promisify(execFile)

async function makeTree(place: Workplace): Promise<string> {
	await place.cairn('init')
	await place.cairn('node', 'add', 'n1', place.makeDirectory('n1'))
	return place.makeDirectory('mp')
}

test('SIGUSR1 makes no debugger for whoever is on the machine', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await exec(CAIRN, ['mount', mountPoint, '--config', place.config])
	const pid = Number(lockHolder(mountLockPath(mountPoint, process.env)))
	const caught = BigInt(`0x${/^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]}`)
	const has = (signal: number) => (caught & (1n << BigInt(signal - 1))) !== 0n
	assert.deepEqual([has(constants.signals.SIGTERM), has(constants.signals.SIGUSR1)], [true, false])
	process.kill(pid, 'SIGUSR1')
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
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
