/** A network filesystem takes what is written at once, and its server refuses it later: whoever closes the file is told. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withHands } from '../support/hands.ts'
import { detach, startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'

const WRITE = fileURLToPath(new URL('./late-refusal.ts', import.meta.url))

it('close tells that the server of a node had no room for what was written', async () => {
	let server: SshfsMount | undefined
	let disk = ''
	const prepare = async (dir: string) => {
		disk = join(dir, 'far')
		mkdirSync(disk)
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk])
		server = await mountSshfs(disk, join(dir, 'node1'))
	}
	const up = await startUp({ nodes: 1, prepare })
	try {
		await withHands(async (hands) => {
			const told = await hands.run<{ write: string; close: string }>(WRITE, 'writeWithoutRoom', [join(up.mountPoint, 'f'), disk])
			assert.ok(told.write !== '' || told.close !== '', 'both succeeded')
			rmSync(join(disk, 'filling'))
			await hands.do('write', join(up.mountPoint, 'g'), 'there is room again')
			assert.equal(String(await hands.do('read', join(up.mountPoint, 'g'))), 'there is room again')
		})
	} finally {
		await up.stop().finally(() => server?.stop())
		detach(disk)
		await up.remove()
	}
})
