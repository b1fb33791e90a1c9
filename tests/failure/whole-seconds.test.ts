/** Nodes that keep times in whole seconds: what is written twice within one of them is another content all the same. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { withHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'

/** Many more than there can be seconds. */
const WRITTEN = 20

let server: SshfsMount | undefined

/** SFTP knows seconds. */
async function onServer(dir: string): Promise<void> {
	mkdirSync(join(dir, 'far'))
	server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'))
}

/** Inodes of this size have no room for more. */
function onOldDisk(dir: string): void {
	const image = join(dir, 'disk')
	writeFileSync(image, '')
	truncateSync(image, 32 * 1024 * 1024)
	execFileSync('mkfs.ext4', ['-q', '-I', '128', image], { stdio: 'ignore' })
	mkdirSync(join(dir, 'node1'))
	execFileSync('mount', ['-o', 'loop', image, join(dir, 'node1')])
}

const PLACES: [what: string, options: MountOptions][] = [
	['on a server', { prepare: onServer }],
	['on a disk with small inodes', { prepare: onOldDisk }],
]

async function versionsOf({ catalogue }: Mounted): Promise<number[]> {
	return (await readCatalogue(catalogue)).files.filter(({ id }) => id > 1).map(({ version }) => version)
}

for (const [what, options] of PLACES) {
	it(`each time a file is written and closed it has another version, also within a second: ${what}`, async () => {
		const up = await startUp({ ...options, nodes: 1 })
		try {
			const path = join(up.mountPoint, 'file')
			await withHands(async (hands) => {
				await hands.do('write', path, 'as it was')
				for (let number = 1; number <= WRITTEN; number++) await hands.do('writeAt', path, Buffer.from(`${number}`), 0)
			})
			await up.stop()
			const versions = await versionsOf(up)
			assert.ok(versions.length === 1 && versions[0] > WRITTEN, `version ${versions}`)
		} finally {
			await up.stop().finally(() => server?.stop())
			server = undefined
			await up.remove()
		}
	})
}

it('what was written within the same second, when the daemon is killed, is a version of its own', async () => {
	let up = await startUp({ prepare: onOldDisk, nodes: 1 })
	try {
		const path = join(up.mountPoint, 'file')
		await withHands(async (hands) => {
			await hands.do('write', path, 'as it was')
			const fd = await hands.do('openDescriptor', path, 'r+')
			await hands.do('writeDescriptor', fd, Buffer.from('as it is!'))
			await up.kill()
		})
		up = await up.again()
		await up.stop()
		assert.deepEqual(await versionsOf(up), [2])
	} finally {
		await up.remove()
	}
})
