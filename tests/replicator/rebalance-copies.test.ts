/** Moves of files that have several copies: each goes once, and where its class asks for fewer meanwhile no copy is left over. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Node } from '../../core/nodes/node.ts'
import { abortRebalance, type BalancePlan, planBalance, startRebalance } from '../../replicator/level/rebalances.ts'
import { sqlite } from '../catalogue/engines.ts'
import { type Tree, tree } from './level-tree.ts'

const FILE_BYTES = 5 * 1024 ** 3
const FILES = 10

/** The third is empty, and what is on the others counts. */
function pretend({ fs }: Tree): void {
	for (const [number, free] of [[1, 10], [2, 10], [3, 20]]) {
		const space = { capacity: 20 * FILE_BYTES, free: free * FILE_BYTES, files: 0, filesFree: 0, disk: 0 }
		Object.defineProperty(fs.nodes.get(number) as Node, 'space', { get: () => space, set: () => undefined })
	}
}

const classes = (copies: number) => [
	{ name: 'lowered', pattern: '^a', copies },
	{ name: 'default', pattern: '', copies: 1 },
]

/** With two copies of those that begin with an a. */
async function twoFull(t: TestContext): Promise<Tree> {
	const made = await tree(t, sqlite, 3, classes(2))
	await made.setState(3, 'nc')
	for (const kind of ['a', 'b']) for (let number = 0; number < FILES; number++) await made.write(`${kind}${number}`, `${kind}${number}`)
	await made.replicate()
	await made.driver.change('UPDATE file SET size = ? WHERE kind = 8', [FILE_BYTES])
	await made.setState(3, 'rw')
	pretend(made)
	await made.round()
	await startRebalance(made.fs, 0.05)
	return made
}

test('a file that two full nodes have goes from one of them', async (t) => {
	const made = await twoFull(t)
	const files = ({ moves }: BalancePlan) => moves.reduce((sum, move) => sum + move.files, 0)
	assert.ok(files(await planBalance(made.fs, 0.001)) <= 2 * FILES)
	await made.round()
	await made.replicate()
	await made.round()
	await made.trim()
	const [{ most }] = await made.rows("SELECT MAX(many) AS most FROM (SELECT COUNT(*) AS many FROM replica WHERE state = 1 GROUP BY file_id)")
	assert.equal(most, 2)
})

test('a class that is lowered while copies are on their way to an emptier node', async (t) => {
	const made = await twoFull(t)
	await made.round({ movesMax: 3 })
	assert.ok((await made.rows('SELECT * FROM replica WHERE state = 2 AND node_id = 3')).length > 0)
	await made.applyClasses(classes(1))
	// The copies come when it has heard of that, and while others are on their way.
	for (let round = 0; round < 6; round++) {
		await made.round({ movesMax: 3 })
		if (round > 0) await made.replicate()
		await made.trim()
	}
	await abortRebalance(made.fs)
	await made.round()
	await made.trim()
	assert.deepEqual(await made.rows('SELECT file_id FROM replica GROUP BY file_id HAVING COUNT(*) > 1'), [])
})
