/** What another mount has just put in the place of a name is what an open finds there, and no error: close-to-open, also before the journal is read. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'

const CHANGE_THERE = fileURLToPath(new URL('./change-there.ts', import.meta.url))
const ROUNDS = 12

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	describe(catalogue, () => {
		it('saved over; a symlink pointed elsewhere; a directory made anew; a name given to another file and moved on', async () => {
			const up = await startUp({ nodes: 1, catalogue })
			try {
				const place = { here: (await up.secondMount()).mountPoint, there: up.mountPoint }
				await withHands(async (hands) => {
					const wrong = (name: string) => hands.run<string[]>(CHANGE_THERE, name, [place, ROUNDS], { deadlineMs: 30_000 })
					assert.deepEqual(await wrong('savedOver'), [])
					assert.deepEqual(await wrong('repointed'), [])
					assert.deepEqual(await wrong('changed'), [])
					assert.deepEqual(await wrong('madeAnew'), [])
					assert.deepEqual(await wrong('movedOn'), [])
				})
			} finally {
				await up.remove()
			}
		})
	})
}
