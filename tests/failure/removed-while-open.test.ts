/** Files that are removed while somebody has them open, on a node that is reached through sshfs: it keeps them, under names of its own, until they are closed. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { upOnFarNode } from './far-node.ts'

test('they are nobody’s: not walked into the tree, nor kept as strays with their directory', { timeout: 120_000 }, async (t) => {
	const { up } = await upOnFarNode(t)
	const far = (path: string) => readdirSync(join(up.dir, 'far', path))
	await withHands(async (hands) => {
		const at = (path: string) => join(up.mountPoint, path)
		const open = async (directory: string) => {
			await hands.do('mkdir', at(directory))
			await hands.do('write', at(`${directory}/f`), directory)
			return await hands.do('openDescriptor', at(`${directory}/f`), 'r')
		}
		const files = [await open('stays'), await open('goes')]
		for (const directory of ['stays', 'goes']) await hands.do('unlink', at(`${directory}/f`))
		await hands.do('rmdir', at('goes'))
		assert.match(far('stays').join(), /^\.fuse_hidden/)
		assert.match((await up.cairn('walk', '--node', 'node1')).stdout, /^walk node1: 1 busy/)
		assert.deepEqual(await hands.do('readdir', at('stays')), [])
		assert.match((await up.cairn('conflicts', 'list')).stdout, /no conflicts/)
		assert.equal(String(await hands.do('readDescriptor', files[1], 10)), 'goes')
		await hands.do('mkdir', at('goes'))
		await hands.do('write', at('goes/g'), 'new')
		for (const fd of files) await hands.do('closeDescriptor', fd)
	})
	await up.stop()
	assert.deepEqual([far('stays'), far('goes'), far('.cairn/conflicts')], [[], ['g'], []])
	assert.deepEqual(await checkTree(up.catalogue), [])
})
