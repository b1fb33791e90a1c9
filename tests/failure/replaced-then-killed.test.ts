/** What a rename did on a node is still noted when the daemon is killed: doing it again must change nothing. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'

it('a file renamed over another outlives the daemon', async () => {
	let up = await startUp({ nodes: 1 })
	try {
		const [a, b] = [join(up.mountPoint, 'a'), join(up.mountPoint, 'b')]
		await withHands(async (hands) => {
			await hands.do('write', a, 'new')
			await hands.do('write', b, 'old')
			await hands.do('rename', a, b)
		})
		await up.kill()
		up = await up.again()
		await withHands(async (hands) => {
			assert.deepEqual(await hands.do('readdir', up.mountPoint), ['b'])
			assert.equal((await hands.do('read', b)).toString(), 'new')
		})
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
})
