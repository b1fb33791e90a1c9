/** Drains and a rebalance that go on at once: when all is over every file has as many copies as its class asks for, and no more. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { abortDrain, startDrain } from '../../replicator/level/drains.ts'
import { pauseRebalance, resumeRebalance, startRebalance } from '../../replicator/level/rebalances.ts'
import { wholePass } from '../../replicator/level/round.ts'
import { startRun } from '../../replicator/run.ts'
import { sqlite } from '../catalogue/engines.ts'
import { type Tree, tree } from './level-tree.ts'

const FILES = 4

/** Written on the first node while the others took nothing but copies. */
async function filled(t: TestContext, nodes: number, copies: number): Promise<Tree> {
	const made = await tree(t, sqlite, nodes, [{ name: 'default', pattern: '', copies }])
	for (let number = copies + 1; number <= nodes; number++) await made.setState(number, 'nc')
	for (let number = 0; number < FILES; number++) await made.write(`f${number}`, `f${number}`)
	for (let number = copies + 1; number <= nodes; number++) await made.setState(number, 'rw')
	await made.round()
	return made
}

async function passLater(made: Tree): Promise<void> {
	await made.driver.change("UPDATE job SET ended = ended - 3600 WHERE name = 'pass'", [])
	await made.round()
	await made.trim()
}

const copies = async (made: Tree) => (await made.rows('SELECT COUNT(*) AS many FROM replica WHERE state = 1 GROUP BY file_id')).map(({ many }) => many)

test('a copy that is not made yet is asked for elsewhere before its node is left, also where the others have enough to do', async (t) => {
	const made = await filled(t, 3, 2)
	const [{ node_id: emptied }] = await made.rows('SELECT node_id FROM replica WHERE state = 2 LIMIT 1')
	await startDrain(made.fs, `node${emptied}`)
	for (let round = 0; round < 2 * FILES; round++) {
		await made.round({ pendingMax: 1 })
		await made.replicate()
		await made.trim()
	}
	assert.deepEqual(await copies(made), Array.from({ length: FILES }, () => 2))
	assert.deepEqual(await made.rows('SELECT * FROM replica WHERE node_id = ?', emptied), [])
})

test('what a drain had asked for goes when the rebalance is over for which nobody took it back', async (t) => {
	const made = await filled(t, 2, 1)
	const [{ node_id: emptied }] = await made.rows('SELECT node_id FROM replica LIMIT 1')
	await startRebalance(made.fs, 0.05)
	await pauseRebalance(made.fs)
	await startDrain(made.fs, `node${emptied}`)
	await made.round()
	await abortDrain(made.fs, `node${emptied}`)
	await made.round()
	await passLater(made)
	await resumeRebalance(made.fs)
	await made.round()
	await made.replicate()
	await passLater(made)
	assert.deepEqual(await copies(made), Array.from({ length: FILES }, () => 1))
})

test('who has gone over the whole tree keeps nobody from doing so next', async (t) => {
	const made = await tree(t, sqlite, 1, [{ name: 'default', pattern: '', copies: 1 }])
	for (const fs of [made.fs, await made.another(), made.fs]) assert.equal((await wholePass(fs, startRun(new AbortController().signal))).holder, undefined)
})
