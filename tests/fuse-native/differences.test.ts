/** What the package gets wrong or leaves out, and what is made of it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Hands, takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { FUSE_NATIVE, reportUnavailable, unavailable } from './available.ts'
import { cases } from './cases.ts'

const CASES = fileURLToPath(new URL('./cases.ts', import.meta.url))

function suite(): void {
	let mount: Mounted
	let hands: Hands
	before(async () => {
		mount = await startUp({ words: FUSE_NATIVE })
		hands = takeHands()
	})
	after(async () => {
		hands?.end()
		await mount?.remove()
	})
	for (const name of Object.keys(cases)) {
		it(name, () => hands.run(CASES, 'runCase', [mount.mountPoint, name]))
	}

	it('an open sees what another mount closed', async () => {
		const other = await mount.secondMount()
		await hands.run(CASES, 'writeAndRead', [mount.mountPoint, other.mountPoint, 'shared'])
	})

	it('ends by itself when somebody else unmounts it', async () => {
		const again = await startUp({ words: FUSE_NATIVE })
		try {
			await hands.run(CASES, 'unmount', [again.mountPoint])
			await again.stop()
			assert.doesNotMatch(again.said(), /Error/)
		} finally {
			await again.remove()
		}
	})
}

if (unavailable === undefined) describe('fuse-native: differences', suite)
else reportUnavailable('fuse-native: differences')
