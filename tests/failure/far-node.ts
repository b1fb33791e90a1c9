/** A tree with one node, which is reached through sshfs: what is on it lies in `far`. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Mounted, startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'

/** `before`: what is to be done before it all ends. */
export async function upOnFarNode(t: TestContext, before: (up: Mounted) => void = () => {}): Promise<{ up: Mounted; server: SshfsMount }> {
	let server: SshfsMount | undefined
	const up = await startUp({
		nodes: 1,
		async prepare(dir) {
			mkdirSync(join(dir, 'far'))
			server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'))
		},
	})
	t.after(async () => {
		server?.resume()
		before(up)
		await up.stop().finally(() => server?.stop())
		await up.remove()
	})
	return { up, server: server as SshfsMount }
}
