/** The agent as volunteers have it against the door as keepers have it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeAgent } from '../backup/agent.ts'
import { openKeeper } from './keeper.ts'

test('the agent fetches, adopts, proves and is told what went', async (t) => {
	const keeper = await openKeeper(t)
	const { key } = await keeper.site('attic')
	for (let n = 0; n < 30; n++) await keeper.put(`d${n % 3}/f${n}`, `content ${n}`.repeat(n * 100))
	await keeper.feed()
	const agent = await placeAgent(keeper.url, { key })
	t.after(() => agent.remove())
	const run = await agent.run('-a', 'replicate')
	assert.equal(run.code, 0, run.err + run.out)
	assert.equal(agent.content('d2/f29'), 'content 29'.repeat(2_900))
	const states = await keeper.driver.all<{ state: number; many: number }>('SELECT state, COUNT(*) AS many FROM backup GROUP BY state')
	assert.deepEqual(states.map(({ state, many }) => [state, many]), [[4, 30]])
})
