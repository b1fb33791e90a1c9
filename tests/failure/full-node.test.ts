/** Nodes without room: the next node, then ENOSPC; never a longer or a changed file. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, withHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { onDisks } from './disks.ts'

const FILL = fileURLToPath(new URL('./fill.ts', import.meta.url))
const FILL_DEADLINE_MS = 60_000
const MEGABYTE = 1024 * 1024

async function withMount(options: MountOptions, body: (up: Mounted, hands: Hands) => Promise<void>): Promise<void> {
	const up = await startUp(options)
	try {
		await withHands((hands) => body(up, hands))
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
}

const fill = <T>(hands: Hands, name: string, ...args: unknown[]) => hands.run<T>(FILL, name, args, { deadlineMs: FILL_DEADLINE_MS })

for (const io of ['passthrough', 'carried'] as const) {
	it(`a file that outgrows its node fails with ENOSPC and keeps what was acknowledged: ${io}`, async () => {
		await withMount({ io, ...onDisks(24) }, async ({ mountPoint }, hands) => {
			for (const flags of ['w', 'a']) {
				const path = join(mountPoint, `file-${flags}`)
				const acknowledged = await fill<number>(hands, 'fillOneFile', path, flags)
				assert.ok(acknowledged > 10 * MEGABYTE)
				await hands.do('unlink', path)
			}
			await fill(hands, 'fillHole', join(mountPoint, 'sparse'), 64 * MEGABYTE)
			await hands.do('unlink', join(mountPoint, 'sparse'))
		})
	})

	it(`new files go to the node that has room; ENOSPC comes when none has: ${io}`, async () => {
		await withMount({ io, ...onDisks(24, 96) }, async ({ mountPoint }, hands) => {
			const whole = await fill<{ name: string; hash: string }[]>(hands, 'fillWithFiles', mountPoint)
			assert.ok(whole.length > 85, `${whole.length} files of 1 MB fitted on 120 MB`)
			await fill(hands, 'verifyFiles', mountPoint, whole)
			const [first, ...others] = whole as [{ name: string; hash: string }]
			await hands.do('unlink', join(mountPoint, first.name))
			await hands.do('write', join(mountPoint, 'small'), Buffer.alloc(MEGABYTE / 2, 'x'))
			await fill(hands, 'verifyFiles', mountPoint, others)
		})
	})
}
