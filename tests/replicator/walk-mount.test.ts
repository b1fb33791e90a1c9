/** Walks of a node that is being written to through a mount: nothing is lost, doubled, missed or taken for a conflict. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkTree } from '../support/check-tree.ts'
import { takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'

const MEDDLE = fileURLToPath(new URL('./meddle.ts', import.meta.url))
const STRAYS = 300
const ROUNDS = 120

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	test(`walks while users write, rename and remove: ${catalogue}`, async (t) => {
		const up = await startUp({ catalogue, nodes: 2 })
		t.after(() => up.remove())
		const [root] = up.nodes
		for (let index = 0; index < STRAYS; index++) {
			const directory = join(root, `stray${index % 10}`)
			mkdirSync(directory, { recursive: true })
			writeFileSync(join(directory, `s${index}`), `stray ${index}`)
		}
		const hands = takeHands()
		try {
			const there = await walkedMeanwhile(up, hands.run<Record<string, string>>(MEDDLE, 'meddle', [up.mountPoint, ROUNDS], { deadlineMs: 60_000 }))
			for (let index = 0; index < STRAYS; index++) {
				assert.equal(`${await hands.do('read', join(up.mountPoint, `stray${index % 10}/s${index}`))}`, `stray ${index}`)
			}
			for (const [path, text] of Object.entries(there)) assert.equal(`${await hands.do('read', join(up.mountPoint, path))}`, text, path)
		} finally {
			hands.end()
		}
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
		assert.equal(readFileSync(join(root, 'stray0/s0'), 'utf8'), 'stray 0')
	})
}

/** Both nodes, again and again for as long as it goes on, and once more when it is over. */
async function walkedMeanwhile<T>(up: Mounted, work: Promise<T>): Promise<T> {
	let isOver = false
	const over = work.finally(() => {
		isOver = true
	})
	over.catch(() => undefined)
	for (let isLast = false; !isLast; ) {
		isLast = isOver
		const walk = await up.cairn('walk', '--json')
		assert.equal(walk.code, 0, walk.stdout + walk.stderr)
		assert.doesNotMatch(walk.stdout, /"conflict":/)
	}
	assert.equal((await up.cairn('conflicts', 'list')).stdout, 'no conflicts\n')
	return await over
}
