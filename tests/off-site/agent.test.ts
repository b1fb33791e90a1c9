/** The agent as volunteers have it against the door as keepers have it. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as entries from '../../core/catalogue/entries.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { placeAgent } from '../backup/agent.ts'
import { until } from '../support/until.ts'
import { openKeeper } from './keeper.ts'

test('the agent fetches, adopts, proves and is told what went', async (t) => {
	const keeper = await openKeeper(t)
	const { key } = await keeper.site('attic')
	for (let n = 0; n < 30; n++) await keeper.put(`d${n % 3}/f${n}`, `content ${n}`.repeat(n * 100))
	await keeper.feed()
	const agent = await placeAgent(keeper.url, { key })
	t.after(() => agent.remove())
	const first = await agent.run('-a', 'replicate')
	assert.equal(first.code, 0, first.err + first.out)
	assert.equal(agent.content('d2/f29'), 'content 29'.repeat(2_900))
	const states = await keeper.driver.all<{ state: number; many: number }>('SELECT state, COUNT(*) AS many FROM backup GROUP BY state')
	assert.deepEqual(states.map(({ state, many }) => [state, many]), [[4, 30]])

	// What it finds to be wrong itself counts no more, and comes again at once.
	writeFileSync(join(agent.folder, 'd2/f29'), 'CONTENT 29'.repeat(2_900))
	rmSync(join(agent.folder, 'd1/f28'))
	assert.equal((await agent.run('-a', 'verify')).code, 1)
	assert.match((await agent.run('-a', 'replicate', '-v')).err, /2 files came/)
	assert.equal(agent.content('d2/f29'), 'content 29'.repeat(2_900))
	assert.equal((await agent.run('-a', 'verify')).code, 0)
})

test('what is renamed in the tree, a directory too, is moved in the folder and not fetched again; what stood in the way is kept', async (t) => {
	const keeper = await openKeeper(t)
	const { key } = await keeper.site('attic')
	for (const path of ['d/e/1', 'd/e/2', 'd/f', 'x', 'y', 'stays']) await keeper.put(path, `content of ${path}`)
	await keeper.feed()
	const agent = await placeAgent(keeper.url, { key })
	t.after(() => agent.remove())
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	writeFileSync(join(agent.folder, 'elsewhere'), "of the folder's owner")

	const place = async (path: string) => {
		const [name, ...above] = path.split('/').toReversed()
		let parent: number = ROOT_ID
		for (const each of above.toReversed()) parent = (await entries.lookup(keeper.driver, parent, Buffer.from(each)))?.id as number
		return { parent, name: Buffer.from(name) }
	}
	const move = async (from: string, to: string, how: 'noreplace' | 'exchange' = 'noreplace') => run(rename(keeper.fs, await place(from), await place(to), how))
	await move('d', 'renamed')
	await move('x', 'y', 'exchange')
	await move('stays', 'elsewhere')
	await keeper.feed()
	await keeper.feed()
	const fetched = () => keeper.driver.all<{ bytes: number }>('SELECT bytes FROM site_day')
	// A door writes it down when it has a moment.
	const before = await until('what came first is counted', async () => ((await fetched())[0]?.bytes === 86 ? await fetched() : undefined))
	const moved = await agent.run('-a', 'replicate', '-v')
	assert.equal(moved.code, 0, moved.err)
	const files = agent.paths().filter((path) => !/^(d|renamed)(\/e)?$/.test(path))
	assert.deepEqual(
		Object.fromEntries(files.map((path) => [path, agent.content(path)])),
		{
			'renamed/e/1': 'content of d/e/1', 'renamed/e/2': 'content of d/e/2', 'renamed/f': 'content of d/f', x: 'content of y', y: 'content of x',
			elsewhere: 'content of stays', 'elsewhere.old': "of the folder's owner",
		},
	)
	assert.deepEqual(await fetched(), before, 'nothing was fetched')
	const rows = await keeper.driver.all<{ state: number; path: Uint8Array }>('SELECT state, path FROM backup ORDER BY path')
	assert.deepEqual(rows.map(({ state, path }) => [state, Buffer.from(path).toString()]), ['elsewhere', 'renamed/e/1', 'renamed/e/2', 'renamed/f', 'x', 'y'].map((path) => [4, path]))
	assert.match((await agent.run('-a', 'verify', '-v')).err, /6 files are right/)

	// Told again, it has nothing to do.
	await move('y', 'z')
	await keeper.feed()
	await keeper.feed()
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(agent.content('z'), 'content of x')
	assert.ok(!agent.paths().includes('y'))
})
