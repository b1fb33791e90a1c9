/** A mount beside a process that stores files without one: each sees what the other does, at once or within its polling. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { run } from '../../core/op.ts'
import { config } from '../catalogue/engines.ts'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { get, put } from './tree.ts'

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	test(`${catalogue}: names that are given and replaced beside a mount`, async () => {
		const up = await startUp({ catalogue, nodes: 2 })
		const driver = await openCatalogue(config(up.catalogue))
		const fs = await run(startFilesystem({ config: withDefaults({}), catalogue: driver, what: 'test', report: () => undefined }))
		try {
			await withHands(async (hands) => {
				const path = (name: string) => `${up.mountPoint}/${name}`
				const read = async (name: string) => Buffer.from(await hands.do('read', path(name))).toString()
				assert.equal(await hands.do('exists', path('new')), false, 'the kernel may remember that')
				await put(fs, 'new', 'one')
				await until('the name is seen', async () => (await hands.do('exists', path('new'))) || undefined)
				assert.equal(await read('new'), 'one')
				const fd = await hands.do('openDescriptor', path('new'), 'r+')
				await put(fs, 'new', 'replaced')
				await until('the new content is seen', async () => (await read('new')) === 'replaced' || undefined)
				await hands.do('writeDescriptor', fd, Buffer.from('ONE'), 0)
				await hands.do('closeDescriptor', fd)
				assert.equal(await read('new'), 'replaced')
				await hands.do('write', path('of-the-mount'), 'mount')
				assert.equal((await get(fs, 'of-the-mount')).toString(), 'mount')
			})
		} finally {
			await stopFilesystem(fs)
			await driver.close()
			await up.stop()
		}
		try {
			assert.deepEqual(await checkTree(up.catalogue), [])
		} finally {
			await up.remove()
		}
	})
}
