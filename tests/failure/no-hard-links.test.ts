/** A node that knows no hard links has a file under one of its names: whichever of them goes, the content stays. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { type Hands, withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'

/** Each takes the name that the node has, and says where the content is then. */
const ways: Record<string, (hands: Hands, root: string) => Promise<string[]>> = {
	async 'it is removed'(hands, root) {
		await hands.do('unlink', join(root, 'first'))
		return ['directory/second']
	},
	async 'another file is renamed over it'(hands, root) {
		await hands.do('write', join(root, 'other'), 'of another')
		await hands.do('rename', join(root, 'other'), join(root, 'first'))
		assert.equal((await hands.do('read', join(root, 'first'))).toString(), 'of another')
		return ['directory/second']
	},
	async 'it is renamed, and both are used'(hands, root) {
		await hands.do('rename', join(root, 'first'), join(root, 'moved'))
		return ['directory/second', 'moved']
	},
}

for (const [what, take] of Object.entries(ways)) {
	it(`a second name on a server without hard links, and then the first: ${what}`, async () => {
		let server: SshfsMount | undefined
		const up = await startUp({
			nodes: 1,
			async prepare(dir) {
				mkdirSync(join(dir, 'far'))
				server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'), ['-o', 'disable_hardlink'])
			},
		})
		const root = up.mountPoint
		try {
			await withHands(async (hands) => {
				await hands.do('write', join(root, 'first'), 'content')
				await hands.do('mkdir', join(root, 'directory'))
				await hands.do('link', join(root, 'first'), join(root, 'directory/second'))
				for (const name of await take(hands, root)) {
					assert.equal((await hands.do('read', join(root, name))).toString(), 'content', name)
					await hands.do('unlink', join(root, name))
				}
			})
			await up.stop()
			assert.deepEqual(readdirSync(join(up.dir, 'far'), { recursive: true }).filter((name) => /second|moved/.test(`${name}`)), [])
		} finally {
			await up.stop().finally(() => server?.stop())
			await up.remove()
		}
	})
}
