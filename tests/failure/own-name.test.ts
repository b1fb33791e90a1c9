/** `.cairn` on a node is not the tree's: nobody can take its name away from it, or put anything into it, through the tree. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'

test('in the root nothing is called .cairn', async (t) => {
	const up = await startUp({ nodes: 2 })
	t.after(() => up.remove())
	const own = (root: string) => [readdirSync(join(root, '.cairn')), readFileSync(join(root, '.cairn/node.json'), 'utf8')]
	const before = up.nodes.map(own)
	const inTree = (name: string) => join(up.mountPoint, name)
	const refused = { code: 'EACCES' }
	await withHands(async (hands) => {
		await hands.do('mkdir', inTree('d'))
		await hands.do('write', inTree('f'), 'text')
		await assert.rejects(hands.do('mkdir', inTree('.cairn')), refused)
		await assert.rejects(hands.do('write', inTree('.cairn'), 'text'), refused)
		await assert.rejects(hands.do('symlink', 'f', inTree('.cairn')), refused)
		await assert.rejects(hands.do('link', inTree('f'), inTree('.cairn')), refused)
		await assert.rejects(hands.do('rename', inTree('d'), inTree('.cairn')), refused)
		await assert.rejects(hands.do('rename', inTree('f'), inTree('.cairn')), refused)
		await assert.rejects(hands.do('rename', inTree('.cairn'), inTree('e')), { code: 'ENOENT' })
		await hands.do('mkdir', inTree('d/.cairn'))
		await hands.do('write', inTree('d/.cairn/node.json'), 'elsewhere it is a name like any other')
		assert.deepEqual((await hands.do('readdir', up.mountPoint)).sort(), ['d', 'f'])
	})
	assert.deepEqual(up.nodes.map(own), before)
})
