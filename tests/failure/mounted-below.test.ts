/** An image that lies in the mount and is mounted below it: it goes with the mount, and is written through it first. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const MODULE = fileURLToPath(new URL('./mounted-below.ts', import.meta.url))

test('a mount that has its own image mounted below ends when it is told to', async () => {
	const up = await startUp({ nodes: 1 })
	await withHands((hands) => hands.run(MODULE, 'mountBelow', [up.mountPoint]))
	process.kill(up.pid, 'SIGTERM')
	await until('the daemon has ended', () => !existsSync(`/proc/${up.pid}/task/${up.pid}/fd/0`) || undefined)
	await up.stop()
	await up.remove()
	assert.ok(!existsSync(up.dir))
})
