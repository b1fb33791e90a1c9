/** A daemon is killed and a node is away: no disk has forgotten anything, and what the node has yet to be told must not make it look so. */
import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { answerOf, UNREACHABLE } from './placed.ts'

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	it(`a file at a path where another was, in a directory renamed while its node was away: ${catalogue}`, async () => {
		let up = await startUp({ nodes: 1, catalogue })
		const at = (path: string) => join(up.mountPoint, path)
		const [root] = up.nodes as [string]
		try {
			await withHands(async (hands) => {
				await hands.do('mkdir', at('old'))
				await hands.do('write', at('old/f'), 'long there')
				await hands.do('mkdir', at('d'))
				await hands.do('write', at('g'), 'of late')
				await hands.do('rename', at('g'), at('d/f'))
				await hands.do('rename', at('d/f'), at('d/h'))
				await hands.do('write', at('g'), 'of late, too')
				await hands.do('rename', at('g'), at('d/f'))
				await hands.do('rename', at('d'), at('new'))
				await hands.do('rename', at('old'), at('d'))
			})
			await until('the intents are carried out', async () => ((await readCatalogue(up.catalogue)).intents.length === 0 ? true : undefined))
			await up.kill()
			renameSync(root, `${root}.away`)
			up = await up.again()
			await withHands((hands) => hands.do('rename', at('d'), at('e')))
			renameSync(`${root}.away`, root)
			await withHands(async (hands) => {
				await until('the file can be read', async () => (UNREACHABLE.test(await answerOf(hands.do('read', at('e/f')))) ? undefined : true))
				const contents = { 'e/f': 'long there', 'new/h': 'of late', 'new/f': 'of late, too' }
				for (const [path, content] of Object.entries(contents)) assert.equal(String(await hands.do('read', at(path))), content, path)
			})
			assert.doesNotMatch(up.said(), /conflicts|made again/)
			await up.stop()
			assert.deepEqual(await checkTree(up.catalogue), [])
		} finally {
			await up.remove()
		}
	})
}
