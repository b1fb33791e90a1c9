/** A file that its disk cannot read, however often somebody tries: that says nothing of the others on the same node. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { detach, startUp } from '../support/mount.ts'
import { answerOf } from './placed.ts'

const TRIES = 10

test('the rest of its node stays in service', { timeout: 60_000 }, async (t) => {
	const up = await startUp({ nodes: 1, io: 'carried' })
	t.after(() => up.remove())
	const at = (name: string) => join(up.mountPoint, name)
	await withHands(async (hands) => {
		for (const name of ['bad', 'good']) await hands.do('write', at(name), name)
		// The first page of a process's memory cannot be read by anybody: EIO.
		const bad = join(up.nodes[0], 'bad')
		execFileSync('mount', ['--bind', `/proc/${process.pid}/mem`, bad])
		t.after(() => detach(bad))
		for (let tries = 0; tries < TRIES; tries++) {
			assert.equal(await answerOf(hands.do('readAt', at('bad'), 3, 0)), 'EIO')
			assert.equal(String(await hands.do('read', at('good'))), 'good')
		}
		const fd = await hands.do('openDescriptor', at('bad'), 'r')
		for (let tries = 0; tries < TRIES; tries++) assert.equal(await answerOf(hands.do('readDescriptor', fd, 3)), 'EIO')
		await hands.do('closeDescriptor', fd)
		await hands.do('write', at('new'), 'new')
		assert.equal(String(await hands.do('read', at('new'))), 'new')
	})
	assert.doesNotMatch(up.said(), /is away/)
})
