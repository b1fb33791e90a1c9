/** A node whose disk takes no writes any more: whoever asked for his data to be on the disk hears of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release, sync } from '../../core/filesystem/publish.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { run } from '../../core/op.ts'
import { createFile, installation, now } from '../unit/installation.ts'
import { type FailingDisk, mountFailingDisk } from './failing-disk.ts'
import { answerOf } from './placed.ts'

for (const io of ['passthrough', 'carried'] as const) {
	it(`a sync that the disk refuses is EIO for its caller, each time: ${io}`, async (t) => {
		let disk: FailingDisk | undefined
		const prepare = (dir: string) => {
			disk = mountFailingDisk(join(dir, 'node1'))
		}
		const up = await startUp({ nodes: 1, io, prepare })
		t.after(async () => {
			await up.stop().finally(() => disk?.end())
			await up.remove()
		})
		await withHands(async (hands) => {
			await hands.do('write', join(up.mountPoint, 'before'), 'written and synced', { sync: true })
			const fd = await hands.do('openDescriptor', join(up.mountPoint, 'f'), 'wx')
			disk?.fail()
			await hands.do('writeDescriptor', fd, Buffer.alloc(300_000, 'x'))
			for (let times = 0; times < 2; times++) assert.equal(await answerOf(hands.do('syncDescriptor', fd)), 'EIO')
			await hands.do('closeDescriptor', fd)
			assert.equal(await answerOf(hands.do('write', join(up.mountPoint, 'g'), 'also', { sync: true })), 'EIO')
			assert.equal(String(await hands.do('read', join(up.mountPoint, 'before'))), 'written and synced')
		})
	})
}

const synced = async (fs: Filesystem, file: OpenFile) => run(sync(fs, file, false))

for (const code of ['EIO', 'ENOSPC', 'EDQUOT']) {
	it(`${code} told once is not forgotten: a second sync of the same open file does not succeed`, async (t) => {
		const { start } = await installation(t)
		const { fs } = await start()
		const file = createFile(fs, 'f')
		file.node.operations.write(file.fd, Buffer.from('content'), 0)
		const { sync: wellAgain } = file.node.operations
		file.node.operations.sync = () => {
			file.node.operations.sync = wellAgain
			fail(code)
		}
		await assert.rejects(synced(fs, file), { code })
		await assert.rejects(synced(fs, file), { code: 'EIO' })
		now(release(fs, file, true))
		const again = now(open(fs, file.id, { write: true, truncate: true }))
		again.node.operations.write(again.fd, Buffer.from('written anew'), 0)
		await synced(fs, again)
	})
}

it('a sync that a node was away for may succeed when it is back', async (t) => {
	const { start } = await installation(t)
	const { fs } = await start()
	const file = createFile(fs, 'f')
	const { sync: back } = file.node.operations
	file.node.operations.sync = () => fail('ETIMEDOUT')
	await assert.rejects(synced(fs, file), { code: 'ETIMEDOUT' })
	file.node.operations.sync = back
	await synced(fs, file)
})
