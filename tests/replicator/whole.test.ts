/** What a keeper of three nodes does in the life of an archive, by the command line and through a mount. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { stat } from '../support/calls.ts'
import { checkTree } from '../support/check-tree.ts'
import { setTimes } from '../support/libc.ts'
import { assertCopies, assertNothingOwed, fill, filesOn, mounted, replicateAll, treeThroughMount, verb } from './whole.ts'

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	it(`${catalogue}: every file gets its second copy, and then nothing is owed`, async (test) => {
		const up = await mounted(test, { catalogue })
		await fill(up, 200)
		await replicateAll(up)
		const tree = await treeThroughMount(up.mountPoint)
		assertCopies(up, tree, 2)
		await assertNothingOwed(up)
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	})
}

it('a byte that changed on a disk is found, kept aside and put right', async (test) => {
	const up = await mounted(test)
	await fill(up, 60)
	await replicateAll(up)
	const before = await treeThroughMount(up.mountPoint)
	const { node, path } = flipByte(up.nodes)
	await verb(up, 'verify', '--node', `node${node + 1}`, '--all')
	assertCopies(up, before, 2)
	const conflicts = JSON.parse(await verb(up, 'conflicts', 'list', '--json')) as { path: string; reason: string }[]
	assert.deepEqual(
		conflicts.map((row) => [row.path, row.reason]),
		[[path, 'damaged']],
	)
	assert.deepEqual(await treeThroughMount(up.mountPoint), before)
})

it('a node whose directory is lost is brought back in full', async (test) => {
	const up = await mounted(test)
	await fill(up, 60)
	await replicateAll(up)
	const before = await treeThroughMount(up.mountPoint)
	// Nodes of one disk have the same room: which of them have something is chance.
	const index = up.nodes.findIndex((root) => filesOn(root).size > 0)
	const lost = up.nodes[index]
	const held = filesOn(lost)
	rmSync(lost, { recursive: true })
	assert.deepEqual(await treeThroughMount(up.mountPoint), before, 'files still read')
	mkdirSync(lost)
	await verb(up, 'node', 'replace', `node${index + 1}`, lost)
	await verb(up, 'replicate', '--node', `node${index + 1}`)
	assertCopies(up, before, 2)
	assert.deepEqual(filesOn(lost), held)
	await assertNothingOwed(up)
})

it('a lost catalogue is made again from what lies on the nodes', async (test) => {
	const up = await mounted(test)
	await fill(up, 60)
	await replicateAll(up)
	for (const [index] of up.nodes.entries()) await verb(up, 'manifest', '--node', `node${index + 1}`)
	const before = await treeThroughMount(up.mountPoint)
	await up.stop()
	for (const name of readdirSync(up.dir)) if (name.startsWith('catalogue.db')) rmSync(join(up.dir, name))
	await verb(up, 'init')
	await verb(up, 'reindex', ...up.nodes.flatMap((root, index) => ['--node', `node${index + 1}=${root}`]))
	const again = await up.again()
	try {
		assert.deepEqual(await treeThroughMount(again.mountPoint), before)
	} finally {
		await again.stop()
	}
	assert.deepEqual(await checkTree(up.catalogue), [])
})

/** One bit of one file that is not empty; its size and times stay as they were. */
function flipByte(nodes: readonly string[]): { node: number; path: string } {
	for (const [node, root] of nodes.entries()) {
		for (const path of filesOn(root).keys()) {
			const content = readFileSync(join(root, path))
			if (content.length < 100) continue
			content[50] = (content[50] as number) ^ 1
			writeKeepingTimes(join(root, path), content)
			return { node, path }
		}
	}
	throw new Error('no file to damage')
}

function writeKeepingTimes(path: string, content: Buffer): void {
	const { mtimeNs } = stat(path)
	writeFileSync(path, content, { flag: 'r+' })
	const time = { seconds: Number(mtimeNs / 1_000_000_000n), nanoseconds: Number(mtimeNs % 1_000_000_000n) }
	setTimes(path, time, time)
}
