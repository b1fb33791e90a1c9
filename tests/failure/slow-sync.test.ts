/** A disk that takes its time for an fsync: only who asked for that waits. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'
import { mountDisk } from './disks.ts'

/** The number of the system call, x86-64 and arm64. */
const FSYNC = /^(74|82) /

function isSyncing(pid: number): boolean {
	return readdirSync(`/proc/${pid}/task`).some((thread) => FSYNC.test(readFileSync(`/proc/${pid}/task/${thread}/syscall`, 'latin1')))
}

test('a disk takes long for an fsync: others go on', async (t) => {
	let server: SshfsMount | undefined
	const up = await startUp({
		nodes: 1,
		prepare: async (dir) => {
			mkdirSync(join(dir, 'server'))
			server = await mountSshfs(join(dir, 'server'), join(dir, 'far'))
			mountDisk(join(dir, 'far/disk'), join(dir, 'node1'), 16)
		},
	})
	const [writer, other] = [takeHands(), takeHands()]
	t.after(async () => {
		server?.resume()
		for (const hands of [writer, other]) hands.end()
		await up.stop()
		execFileSync('umount', [join(up.dir, 'node1')])
		await server?.stop()
		await up.remove()
	})
	const fd = await writer.do('openDescriptor', join(up.mountPoint, 'file'), 'w')
	await writer.do('writeDescriptor', fd, Buffer.from('content'))
	server?.hang()
	const synced = writer.do('syncDescriptor', fd)
	await until('the disk was asked', () => isSyncing(up.pid) || undefined)
	await other.do('mkdir', join(up.mountPoint, 'directory'))
	assert.deepEqual((await other.do('readdir', up.mountPoint)).sort(), ['directory', 'file'])
	server?.resume()
	await synced
})
