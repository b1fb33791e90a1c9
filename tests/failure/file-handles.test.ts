/** Handles as a server of NFS hands them out: they outlive what the kernel remembers, and the daemon. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'

const HANDLES = fileURLToPath(new URL('./file-handles.ts', import.meta.url))
const PATHS = ['', 'a/b/c', 'a/b/c/file', 'a/gone']

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	it(`a handle leads to its file after the daemon was killed and started again: ${catalogue}`, async () => {
		let up = await startUp({ catalogue })
		try {
			const handles = await withHands(async (hands) => {
				for (const directory of ['a', 'a/b', 'a/b/c']) await hands.do('mkdir', join(up.mountPoint, directory))
				await hands.do('write', join(up.mountPoint, 'a/b/c/file'), 'content')
				await hands.do('write', join(up.mountPoint, 'a/gone'), 'content')
				const given = await hands.run<Buffer[]>(HANDLES, 'handlesOf', [up.mountPoint, PATHS])
				await hands.do('rename', join(up.mountPoint, 'a/b'), join(up.mountPoint, 'moved'))
				await hands.do('unlink', join(up.mountPoint, 'a/gone'))
				return given
			})
			await up.kill()
			up = await up.again()
			const found = await withHands((hands) => hands.run(HANDLES, 'lookInto', [up.mountPoint, handles]))
			assert.deepEqual(found, [
				{ path: '', holds: ['a', 'moved'] },
				{ path: 'moved/c', holds: ['file'] },
				{ path: '', holds: 'content' },
				'ESTALE',
			])
		} finally {
			await up.remove()
		}
	})
}
