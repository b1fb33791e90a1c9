/** Listings the kernel keeps: read without asking, and dropped when somebody else changes the directory. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Hands, takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const ROUNDS = 15
const READ_AGAIN = fileURLToPath(new URL('./read-again.ts', import.meta.url))

async function withTwoMounts(body: (here: string, there: string, hands: Hands) => Promise<void>, catalogue: 'sqlite' | 'mariadb'): Promise<void> {
	const up: Mounted = await startUp({ nodes: 1, catalogue })
	const hands = takeHands()
	try {
		const second = await up.secondMount()
		await body(up.mountPoint, second.mountPoint, hands)
	} finally {
		hands.end()
		await up.remove()
	}
}

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	it(`what another client makes, moves and removes shows in a listing read before: ${catalogue}`, async () => {
		await withTwoMounts(async (here, there, hands) => {
			const names = new Set(['directory'])
			await hands.do('mkdir', join(there, 'directory'))
			const lists = (directory: string, expected: () => string[]) =>
				until(`the listing of '${directory}'`, async () => {
					const seen = await hands.do('readdir', join(here, directory))
					return seen.join() === expected().join() ? true : undefined
				})
			await hands.do('write', join(there, 'file'), '')
			names.add('file')
			for (let round = 0; round < ROUNDS; round++) {
				await hands.do('write', join(there, `name-${round}`), '')
				names.add(`name-${round}`)
				await lists('', () => [...names].sort())
				await hands.do('rename', join(there, `name-${round}`), join(there, 'directory', `moved-${round}`))
				names.delete(`name-${round}`)
				await lists('', () => [...names].sort())
				await lists('directory', () => [`moved-${round}`])
				await hands.do('unlink', join(there, 'directory', `moved-${round}`))
				await lists('directory', () => [])
			}
		}, catalogue)
	})
}

it('a directory held open shows, read again from its start, what another client made meanwhile', async () => {
	await withTwoMounts(async (here, there, hands) => {
		const fd = await hands.run<number>(READ_AGAIN, 'hold', [here])
		const names: string[] = []
		for (let round = 10; round < 10 + ROUNDS; round++) {
			await hands.do('write', join(there, `${round}`), '')
			names.push(`${round}`)
			await until(`name ${round}`, async () => ((await hands.run<string[]>(READ_AGAIN, 'readAgain', [fd])).join() === names.join() ? true : undefined))
		}
		await hands.do('closeDescriptor', fd)
	}, 'sqlite')
})

it('whatever this client does shows in the next listing', async () => {
	await withTwoMounts(async (here, _there, hands) => {
		const seen: string[] = []
		for (let round = 0; round < ROUNDS; round++) {
			await hands.do('mkdir', join(here, `${round}`))
			seen.push(await hands.do('readdir', here).then((names) => names.join()))
			await hands.do('rmdir', join(here, `${round}`))
			seen.push(await hands.do('readdir', here).then((names) => names.join()))
		}
		assert.deepEqual(seen, Array.from({ length: ROUNDS }, (_, round) => [`${round}`, '']).flat())
	}, 'sqlite')
})
