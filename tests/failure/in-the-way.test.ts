/** What stands on a node where the tree has something else is kept, listed, and can be brought into the tree: somebody put it there. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkTree } from '../support/check-tree.ts'
import { takeHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'

const MINE = 'put there by hand'

interface Listed {
	id: number
	path: string
	kept: string
	reason: string
	size: number
}

for (const [catalogue, isRemote] of [['sqlite', false], ['sqlite', true], ['mariadb', false]] as const) {
	test(`whatever the tree does there: ${catalogue}, a ${isRemote ? 'network' : 'local'} node`, async (t) => {
		let server: SshfsMount | undefined
		const prepare = async (dir: string) => {
			mkdirSync(join(dir, 'far'))
			if (isRemote) server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'))
		}
		const up = await startUp({ catalogue, nodes: 1, prepare })
		t.after(async () => {
			await up.stop()
			await server?.stop()
			await up.remove()
		})
		const root = isRemote ? join(up.dir, 'far') : up.nodes[0]
		const inTree = (name: string) => join(up.mountPoint, name)
		const hands = takeHands()
		try {
			for (const name of ['renamed', 'named', 'moved']) await hands.do('write', inTree(name), 'ours')
			for (const name of ['made', 'over', 'second', 'link', 'directory', 'to', 'linked', 'symbolic']) writeFileSync(join(root, name), MINE)
			mkdirSync(join(root, 'tree/below'), { recursive: true })
			symlinkSync('/etc', join(root, 'led'))
			symlinkSync('made', join(root, 'again'))
			await hands.do('write', inTree('made'), 'ours')
			await hands.do('rename', inTree('renamed'), inTree('over'))
			await hands.do('link', inTree('named'), inTree('second'))
			for (const name of ['link', 'again']) await hands.do('symlink', 'over', inTree(name))
			for (const name of ['directory', 'to', 'linked', 'symbolic', 'led']) await hands.do('mkdir', inTree(name))
			for (const name of ['directory', 'led']) await hands.do('write', inTree(`${name}/f`), 'ours')
			await hands.do('rename', inTree('moved'), inTree('to/f'))
			await hands.do('link', inTree('named'), inTree('linked/f'))
			await hands.do('symlink', '../over', inTree('symbolic/f'))
			await hands.do('write', inTree('tree'), 'ours')
			for (const name of ['made', 'over', 'second', 'link', 'again', 'directory/f', 'led/f', 'tree', 'to/f', 'linked/f', 'symbolic/f']) assert.equal(`${await hands.do('read', inTree(name))}`, 'ours', name)
		} finally {
			hands.end()
		}
		await up.stop()
		const listed: Listed[] = JSON.parse((await up.cairn('conflicts', 'list', '--json')).stdout)
		assert.deepEqual(listed.map(({ path, reason }) => `${path} ${reason}`).sort(), ['again', 'directory', 'led', 'link', 'linked', 'made', 'over', 'second', 'symbolic', 'to', 'tree'].map((name) => `${name} stray`))
		for (const { kept, size } of listed.filter(({ path }) => !['tree', 'led', 'again'].includes(path))) assert.deepEqual([readFileSync(join(root, kept), 'utf8'), size], [MINE, MINE.length])
		const { id } = listed.find(({ path }) => path === 'over') as Listed
		assert.equal((await up.cairn('conflicts', 'keep', `${id}`)).stdout, `conflict ${id} (over): kept as over.conflict-${id}\n`)
		assert.equal(readFileSync(join(root, `over.conflict-${id}`), 'utf8'), MINE)
		assert.deepEqual(await checkTree(up.catalogue), [])
	})
}
