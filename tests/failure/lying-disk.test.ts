/** A disk that has other bytes than were written, while memory still has the right ones: verify asks the disk. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { withHands } from '../support/hands.ts'
import { type Mapping, map } from '../support/libc.ts'
import { startUp } from '../support/mount.ts'
import { onDisks } from './disks.ts'

const MEGABYTES = 32
const CONTENT = 'content that is found again on the disk, '.repeat(500)

/** Below the filesystem, which knows nothing of it. */
function damage(image: string): void {
	const at = readFileSync(image).indexOf(CONTENT)
	assert.ok(at > 0, 'it is not on the disk')
	const fd = openSync(image, 'r+')
	writeSync(fd, 'C', at)
	closeSync(fd)
}

/** What is mapped stays in memory, whoever drops what need not be there. */
function keepInMemory(path: string): Mapping {
	const fd = openSync(path, 'r')
	const mapping = map(fd, CONTENT.length, false)
	closeSync(fd)
	assert.equal(mapping.read(0, CONTENT.length).toString(), CONTENT)
	return mapping
}

it('what rotted on the disk is found though memory has it as it was, and is made good from the other copy', async (t) => {
	const up = await startUp({ copies: 2, ...onDisks(MEGABYTES, MEGABYTES) })
	t.after(() => up.remove())
	await withHands(async (hands) => {
		await hands.do('write', join(up.mountPoint, 'f'), CONTENT, { sync: true })
		for (const node of ['node1', 'node2']) assert.equal((await up.cairn('replicate', '--node', node)).code, 0)
		const kept = keepInMemory(join(up.nodes[0], 'f'))
		damage(join(up.dir, 'disk1'))
		assert.equal(readFileSync(join(up.nodes[0], 'f'), 'utf8'), CONTENT)
		kept.close()
		const { stdout, stderr } = await up.cairn('verify', '--node', 'node1', '--all')
		assert.match(stdout + stderr, /f: its bytes are not what they were/)
		assert.equal((await up.cairn('replicate', '--node', 'node1')).code, 0)
		assert.equal(readFileSync(join(up.nodes[0], 'f'), 'utf8'), CONTENT)
		assert.equal(String(await hands.do('read', join(up.mountPoint, 'f'))), CONTENT)
	})
})
