/** What is said of a drain when the keeper has said something else of its node since; and of a rebalance that is paused and given up. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { classVerb } from '../../cli/class.ts'
import { drain } from '../../cli/drain.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { rebalance } from '../../cli/rebalance.ts'
import { replicate } from '../../cli/replicate.ts'
import { replicator } from '../../cli/replicator.ts'
import { trim } from '../../cli/trim.ts'
import { walk } from '../../cli/walk.ts'
import { typed } from './typed.ts'
import { makeWorkplace } from './workplace.ts'

test('a drain that was ended, begun or overtaken by node set', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 1 }] }")
	const cairn = typed(place.config, init, node, walk, replicate, trim, drain)
	const roots = ['a', 'b'].map((name) => place.makeDirectory(name))
	await cairn('init')
	for (const [index, root] of roots.entries()) await cairn('node', 'add', `n${index + 1}`, root)
	const put = async (name: string) => {
		mkdirSync(join(roots[0], 'd'), { recursive: true })
		writeFileSync(join(roots[0], 'd', name), name)
		await cairn('walk', '--node', 'n1')
	}
	const set = async (state: string) => assert.equal((await cairn('node', 'set', 'n1', '--state', state)).code, 0)
	const status = async () => (await cairn('drain', 'n1', '--status')).stdout
	assert.match((await cairn('drain', 'n3')).stderr, /there is no node n3; there are: n1, n2$/m)
	await put('first')
	assert.match((await cairn('drain', 'n1', '--dry-run')).stdout, /1 file/)
	assert.equal((await cairn('drain', 'n1', '--dry-run', '--status')).stderr, 'cairn: --dry-run and --status: which?\n')
	assert.match(await status(), /^node n1 is not being drained/)
	await cairn('drain', 'n1')
	assert.match(await status(), /^node n1: being drained, 1 file/)
	await set('rw')
	assert.match(await status(), /^node n1: the drain was given up, it holds 1 file/)
	await set('drain')
	for (const verb of ['drain', 'replicate', 'drain', 'trim', 'drain'] as const) {
		if (verb === 'replicate') await cairn('replicate', '--node', 'n2')
		else if (verb === 'trim') await cairn('trim', '--node', 'n1')
		else await cairn('drain', 'n1')
	}
	assert.match(await status(), /^node n1 is empty/)
	assert.match((await cairn('drain', 'n1', '--abort')).stderr, /node n1 is empty already: 'cairn node set n1 --state rw' has it used again/)
	await set('rw')
	await put('second')
	assert.match(await status(), /^node n1 is not being drained; it holds 1 file/)
	await set('dead')
	assert.match((await cairn('node', 'remove', 'n1')).stderr, /it is dead, and 'cairn node remove n1 --lost' gives that up/)
})

test('a node that was emptied and is used again gets the copies for which there were too few nodes', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 2 }] }")
	const cairn = typed(place.config, init, node, walk, drain, classVerb, rebalance)
	const roots = ['a', 'b'].map((name) => place.makeDirectory(name))
	await cairn('init')
	for (const [index, root] of roots.entries()) await cairn('node', 'add', `n${index + 1}`, root)
	await cairn('drain', 'n2')
	writeFileSync(join(roots[0], 'file'), 'text')
	await cairn('walk', '--node', 'n1')
	await cairn('class', 'apply')
	await cairn('node', 'set', 'n2', '--state', 'rw')
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	t.after(() => database.close())
	const wanted = () => database.prepare('SELECT node_id FROM replica WHERE state = 2').all().map((row) => row.node_id)
	assert.deepEqual(wanted(), [])
	// As if the time had passed after which a pass comes back; whatever begins a round does it.
	database.exec("UPDATE job SET ended = ended - 3600 WHERE name = 'pass'")
	await cairn('rebalance')
	assert.deepEqual(wanted(), [2])
})

test('a rebalance that is paused, resumed and given up', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node, rebalance, replicator)
	await cairn('init')
	await cairn('node', 'add', 'n1', place.makeDirectory('a'))
	assert.match((await cairn('rebalance')).stdout, /^done/)
	const refused = await cairn('rebalance', '--pause')
	assert.match(refused.stderr, /not being balanced/)
	assert.equal(refused.code, 8)
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	t.after(() => database.close())
	const goesOn = () => database.exec("UPDATE job SET state = 'running' WHERE name = 'rebalance'")
	goesOn()
	assert.match((await cairn('rebalance', '--pause')).stdout, /^paused/)
	assert.match((await cairn('rebalance', '--status')).stdout, /^paused/)
	assert.match((await cairn('rebalance', '--resume')).stdout, /^done/)
	goesOn()
	assert.match((await cairn('rebalance', '--abort')).stdout, /^given up/)
	assert.match((await cairn('replicator', '--status')).stdout, /^- +rebalance +given up /m)
})
