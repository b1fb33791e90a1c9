/** The same random calls on the mount and on a plain directory: same results, same errnos, same tree. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Hands, withHands } from '../support/hands.ts'
import { type MountOptions, startUp } from '../support/mount.ts'
import { seedOfRun } from '../support/random.ts'
import type { Summary } from './compare.ts'

const COMPARE = fileURLToPath(new URL('./compare.ts', import.meta.url))
const STEPS = Number(process.env['CAIRN_TEST_STEPS'] ?? 4000)
const DEADLINE_MS = 120_000

async function compare(hands: Hands, tested: string, seed: number): Promise<void> {
	const plain = mkdtempSync(join(tmpdir(), 'cairn-parity-'))
	try {
		const args = [{ tested, plain }, seed, STEPS]
		const summary = await hands.run<Summary>(COMPARE, 'compare', args, { deadlineMs: DEADLINE_MS })
		assert.ok(summary.succeeded > STEPS / 10, 'most calls failed on both sides: the sequence says little')
	} finally {
		rmSync(plain, { recursive: true, force: true })
	}
}

it('a plain directory agrees with another (the control)', async () => {
	const other = mkdtempSync(join(tmpdir(), 'cairn-parity-'))
	try {
		await withHands((hands) => compare(hands, other, seedOfRun()))
	} finally {
		rmSync(other, { recursive: true, force: true })
	}
})

const GROUNDS: MountOptions[] = [
	{ catalogue: 'sqlite', io: 'passthrough' },
	{ catalogue: 'sqlite', io: 'carried', copies: 2 },
	{ catalogue: 'mariadb', io: 'passthrough' },
]

for (const options of GROUNDS) {
	it(`${options.catalogue}, ${options.io} agrees with a plain directory`, async (test) => {
		const seed = seedOfRun()
		test.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const mount = await startUp(options)
		try {
			await withHands(async (hands) => {
				const root = join(mount.mountPoint, 'tree')
				await hands.do('mkdir', root)
				await compare(hands, root, seed)
			})
		} finally {
			await mount.remove()
		}
	})
}
