/** A disk that failed and is away now: what it refused until then is asked once more, and whoever wants to unmount it can. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { it, type TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { refreshNodes } from '../../core/filesystem/nodes.ts'
import { syncNode, syncNodes } from '../../core/filesystem/unsynced.ts'
import type { Disk } from '../../core/nodes/disk.ts'
import type { Node, NodeState } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { installation, now, setUp, writeFile } from '../unit/installation.ts'
import { detach } from '../support/mount.ts'
import { type FailingDisk, mountFailingDisk } from './failing-disk.ts'

/** A file its disk has, and one that was written when the disk had begun to refuse. */
async function failed(t: TestContext) {
	const disks: FailingDisk[] = []
	t.after(() => {
		for (const disk of disks.reverse()) disk.end()
	})
	const { directory, addNode, node: path, rows, start } = await installation(t, 0)
	const mountAnother = () => {
		const disk = mountFailingDisk(path(1))
		disks.push(disk)
		return disk
	}
	const disk = mountAnother()
	await addNode(1)
	const { fs } = await start()
	writeFile(fs, 'before', 'on the disk')
	flushLater(fs)
	now(catchUp(fs))
	await run(syncNodes(fs))
	disk.fail()
	writeFile(fs, 'after', 'x'.repeat(300_000))
	const states = () => rows('SELECT state FROM replica ORDER BY file_id').map(({ state }) => state)
	assert.deepEqual(states(), [REPLICA.good, REPLICA.good])
	return { directory, fs, node: fs.nodes.get(1) as Node, path: path(1), states, mountAnother }
}

it('what was written since it was synced is in doubt, and it can be unmounted', async (t) => {
	const { fs, node, path, states } = await failed(t)
	assert.throws(() => node.operations.identify('another'), { code: 'ESTALE' })
	setUp(fs, 1, false)
	await run(syncNodes(fs))
	assert.deepEqual(states(), [REPLICA.good, REPLICA.suspect])
	execFileSync('umount', [path])
})

it('also where another disk is in its place before it was asked', async (t) => {
	const { directory, fs, node, path, states, mountAnother } = await failed(t)
	cpSync(path, `${directory}/kept`, { recursive: true })
	mountAnother()
	cpSync(`${directory}/kept`, path, { recursive: true })
	await run(syncNode(fs, node, node.disk as Disk))
	assert.deepEqual(states(), [REPLICA.good, REPLICA.suspect])
})

it('one that its keeper takes out of service can be unmounted, and is used when he says that it is back', async (t) => {
	const mounted: string[] = []
	t.after(() => {
		for (const each of mounted) detach(each)
	})
	const { directory, addNode, node: path, rows, start } = await installation(t, 0)
	for (const each of [`${directory}/disk`, path(1)]) mkdirSync(each)
	const mount = () => execFileSync('mount', ['--bind', `${directory}/disk`, path(1)])
	mount()
	mounted.push(path(1))
	await addNode(1)
	const { fs, reports } = await start()
	const keep = (state: NodeState) => {
		rows(`UPDATE node SET state = '${state}'`)
		now(refreshNodes(fs))
	}
	writeFile(fs, 'before', 'x')
	await run(syncNodes(fs))
	keep('down')
	await run(syncNodes(fs))
	execFileSync('umount', [path(1)])
	mount()
	keep('rw')
	writeFile(fs, 'after', 'x')
	assert.deepEqual([readdirSync(`${directory}/disk`), reports], [['.cairn', 'after', 'before'], []])
})
