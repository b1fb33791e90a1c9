/** kill -9 of the daemon while a program writes: nothing acknowledged is lost, nothing deleted comes back. */
import { it } from 'node:test'
import type { MountOptions } from '../support/mount.ts'
import { seedOfRun } from '../support/random.ts'
import { killWhileWriting } from './killed.ts'

const GROUNDS: MountOptions[] = [
	{ catalogue: 'sqlite', io: 'passthrough' },
	{ catalogue: 'sqlite', io: 'carried' },
	{ catalogue: 'mariadb', io: 'passthrough' },
]

for (const mount of GROUNDS) {
	for (const sync of [true, false]) {
		const title = `${mount.catalogue}, ${mount.io}, ${sync ? 'files synced' : 'files closed without a sync'}`
		it(`the daemon is killed below a writer: ${title}`, async (test) => {
			const seed = seedOfRun()
			test.diagnostic(`CAIRN_TEST_SEED=${seed}`)
			const rounds = mount.io === 'passthrough' && mount.catalogue === 'sqlite' && sync ? 20 : 6
			await killWhileWriting({ mount, rounds, sync, seed })
		})
	}
}
