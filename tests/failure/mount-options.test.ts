/** What the kernel is told about the mount, and what others may do in it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { startUp } from '../support/mount.ts'

it('a mount open to others always checks permissions and honours neither set-id bits nor devices', async () => {
	const up = await startUp()
	try {
		const line = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').find((line) => line.split(' ')[4] === up.mountPoint) ?? ''
		for (const option of ['nosuid', 'nodev', 'default_permissions', 'allow_other']) assert.match(line, new RegExp(`[ ,]${option}(,| |$)`))
		assert.match(line, / - fuse\.cairn /)
	} finally {
		await up.remove()
	}
})
