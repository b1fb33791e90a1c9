/** Names every text collation would merge, through the mount, on the nodes and in the catalogue. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ODD_NAMES } from '../posix/names.ts'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { readCatalogue } from '../support/catalogue-rows.ts'

const FAMILIES = fileURLToPath(new URL('../posix/all.ts', import.meta.url))

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	it(`odd names are byte for byte what was asked for: ${catalogue}`, async () => {
		const up = await startUp({ catalogue })
		try {
			await withHands(async (hands) => {
				const at = (name: Buffer) => Buffer.concat([Buffer.from(`${up.mountPoint}/`), name])
				for (const name of ODD_NAMES) await hands.do('write', at(name), name, { flags: 'wx' })
				for (const name of ODD_NAMES.slice(0, 20)) await hands.do('unlink', at(name))
				await hands.run(FAMILIES, 'runCase', [up.mountPoint, 'names', 'odd names are all distinct, byte for byte'])
			})
			await up.stop()
			assert.deepEqual(await checkTree(up.catalogue), [])
			const kept = (await readCatalogue(up.catalogue)).entries.map(({ name }) => name.toString('hex'))
			assert.deepEqual(kept.sort(), ODD_NAMES.slice(20).map((name) => name.toString('hex')).sort())
		} finally {
			await up.remove()
		}
	})
}
