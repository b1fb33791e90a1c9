/** A disk whose filesystem the kernel has found to be broken: it writes nothing there any more. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { status } from '../../cli/status.ts'
import { mountDisk } from '../failure/disks.ts'
import { typed } from './typed.ts'
import { makeWorkplace } from './workplace.ts'

test('a node whose filesystem has an error, and takes nothing any more, is said to be in trouble', async (t) => {
	const place = makeWorkplace(t)
	const directory = `${place.directory}/disk`
	mountDisk(`${place.directory}/image`, directory, 8)
	try {
		execFileSync('mount', ['-o', 'remount,errors=remount-ro', directory])
		const device = execFileSync('findmnt', ['-no', 'SOURCE', directory], { encoding: 'utf8' }).trim().split('/').at(-1)
		const trigger = `/sys/fs/ext4/${device}/trigger_fs_error`
		const cairn = typed(place.config, init, node, status)
		await cairn('init')
		await cairn('node', 'add', 'broken', directory)
		const shown = async () => JSON.parse((await cairn('status', '--json')).stdout).nodes[0].reason
		assert.equal(await shown(), '')
		writeFileSync(trigger, 'x')
		assert.equal(await shown(), 'its disk is mounted read-only')
	} finally {
		execFileSync('umount', [directory])
	}
})
